"""The wire formats of other vendors, as pure functions from JSON to JSON around the native operations.

Each vendor has a module of its own name with a `DIALECT`; `wire` has what they share. They import `core` alone.
"""
