"""What this machine's processor is to Lambda."""

import platform

_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
"""By what the operating system calls them, in small letters."""


def lambda_architecture() -> str | None:
    """This machine's architecture in the words of Lambda (`arm64`, `x86_64`); None: Lambda has none like it."""
    return _ARCHITECTURES.get(platform.machine().lower())
