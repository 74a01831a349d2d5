"""`python -m local.clients` tries generated clients (`make clients`), with `lint` it lints the document."""

import argparse
import sys

from local.clients.run import ClientsError, lint, try_clients
from local.errors import LocalStackError


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.clients")
    parser.add_argument("command", choices=("try", "lint"), nargs="?", default="try")
    try:
        lint() if parser.parse_args().command == "lint" else try_clients()
    except (ClientsError, LocalStackError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
