"""What can go wrong with the local stack."""


class LocalStackError(Exception):
    """Raised when the stack cannot be started; its text is one line that says what to do about it."""
