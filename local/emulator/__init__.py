"""The AWS of the local stack: MiniStack, with what a person's machine needs, and mended where AWS does otherwise.

All modules but `turns`, `journal` and `containers` need MiniStack, so they run in .venv/ministack only.
"""
