"""The table for tests."""

from local.table import NAME, create_table

__all__ = ["NAME", "create_table"]
