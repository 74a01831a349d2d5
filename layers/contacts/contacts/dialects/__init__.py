"""The wire formats of other vendors, as pure functions from JSON to JSON around the native operations.

Each dialect has a module of its own name with a `DIALECT`: one for each vendor, two for SMASHSEND, which share
`smashsend_shared`. `wire` has what all share. Besides each other they import `core` alone.
"""
