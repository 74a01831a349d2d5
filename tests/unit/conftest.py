"""Accounts for unit tests: on the functions in this process."""

from tests.support.in_process_stack import accounts, in_process_stack, projection, shared_account

__all__ = ["accounts", "in_process_stack", "projection", "shared_account"]
