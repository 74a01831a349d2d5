"""The wire formats of other vendors: pure translations of JSON to JSON around the native operations.

Each vendor has a module of its own name, with a `DIALECT`. They import nothing of ours but `core.errors`
and `core.violations`.
"""
