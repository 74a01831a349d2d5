"""`python -m local.console check`, `format` or `vendor`: what `make check`, `make format` and `make vendor` run."""

import argparse
import sys

from local.console import tools, vendor


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.console")
    parser.add_argument("command", choices=("check", "format", "vendor"))
    match parser.parse_args().command:
        case "check":
            findings = [*vendor.differences(), *tools.findings()]
            print(*findings, sep="\n", end="\n" if findings else "")
            return 1 if findings else 0
        case "format":
            tools.reformat()
        case "vendor":
            vendor.renew()
    return 0


if __name__ == "__main__":
    sys.exit(main())
