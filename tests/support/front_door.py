"""What tests of handlers have long imported from here; it is in `tests.support.app`."""

from tests.support.app import ACCOUNT_ID, OTHER_ACCOUNT_ID, OpenGate, Reply, caller_of

__all__ = ["ACCOUNT_ID", "OTHER_ACCOUNT_ID", "OpenGate", "Reply", "caller_of"]
