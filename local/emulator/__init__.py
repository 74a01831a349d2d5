"""The AWS of the local stack: MiniStack, with what a person's machine needs and what is otherwise on AWS.

Its modules run in .venv/ministack, but for `turns`, `journal` and `containers`, which need nothing of MiniStack.
"""
