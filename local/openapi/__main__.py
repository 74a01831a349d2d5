"""`python -m local.openapi`: writes the OpenAPI document anew (`make openapi`)."""

import sys

from local.openapi.document import FILE, write
from local.openapi.notifications import NotDescribed
from local.openapi.operations import NotDocumented
from local.stack import ROOT


def main() -> int:
    """Write the document; returns the exit code."""
    try:
        write()
    except (NotDocumented, NotDescribed) as missing:
        print(f"error: {missing}", file=sys.stderr)
        return 1
    print(f"{FILE.relative_to(ROOT)} is what the code says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
