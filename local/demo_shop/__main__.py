"""`python -m local.demo_shop [--size 5000]`: what `make demo` runs, beside `make run`.

It makes an account "Demo shop" once, and notes it in demo.json beside stack.json. Run again it makes nothing: it says
where that account is. `--fresh` makes another one. `--listen` runs the endpoints of its webhooks until Ctrl-C.
"""

import argparse
import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from local.demo_shop.endpoints import receivers
from local.demo_shop.shop import make
from local.errors import LocalStackError
from local.invoke import running_stack
from local.load import told
from local.smoke import Api, Failed
from local.stack import ROOT

Json = dict[str, Any]

SIZE: Final = 5_000
SMALLEST: Final = 100
LARGEST: Final = 100_000


def known(file: Path, stack: Json) -> Json | None:
    """What demo.json says, if the account is on the stack that runs; None: there is no such account.

    Raises:
        Failed: the API does not say whether it is there. Nothing is made twice then.
    """
    try:
        made: Json = json.loads(file.read_text(encoding="utf-8"))
        key, account_id = made["keys"]["native"], made["account_id"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    answer = Api(stack["url"], key).ask("GET", "/v1/account")
    if answer.status not in (200, 401):
        raise Failed(told("GET", "/v1/account", answer))
    return {**made, "url": stack["url"]} if answer.body.get("id") == account_id else None


def write(file: Path, made: Json) -> None:
    """Write demo.json, for nobody but the user: there are keys in it."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(json.dumps(made, indent=2, ensure_ascii=False) + "\n")


def introduction(made: Json, file: Path) -> str:
    """What there is, and how to open it."""
    keys = made["keys"]
    lines = [
        f"open  {made['url']}/console",
        f"key   {keys['native']}",
        "",
        "further keys, to see what each may do:",
        *(f"  {name:<14} {key}" for name, key in keys.items() if name != "native"),
    ]
    return "\n".join([*lines, "", f"All ids and keys are in {file}."])


def summary(made: Json) -> str:
    """What was made, in a few lines."""
    lines = [
        f"{made['contacts_in_all']:,} contacts in some twenty languages, {made['bounced']} with mail that came back, "
        "one in the trash, two pairs to merge",
        f"{len(made['imports'])} imports: all done, half wrong, to be undone, waiting for its start, unreadable; "
        f"{len(made['exports'])} exports",
        f"{len(made['webhooks'])} endpoints: one works, one fails now and then, one has said that it is gone",
    ]
    return "\n".join(f"  {line}" for line in lines)


AFTERWARDS: Final = (
    "The servers behind the webhooks ran as long as this command. From now on what is sent to them fails, and is\n"
    "tried again for three days. `make demo LISTEN=1` runs them until Ctrl-C; what the warehouse has refused arrives\n"
    "then, when it is sent again."
)


def listen(made: Json) -> int:
    """Run the endpoints until Ctrl-C."""
    with receivers(urlsplit(made["endpoints"]).port or 0, is_mended=True) as endpoints:
        print(f"The servers behind the webhooks run at {endpoints}. Ctrl-C ends them.", flush=True)
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)
    return 0


def _size(text: str) -> int:
    with suppress(ValueError):
        if SMALLEST <= (size := int(text)) <= LARGEST:
            return size
    raise argparse.ArgumentTypeError(f"{text} is no number from {SMALLEST} to {LARGEST:,}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.demo_shop", description="Fill an account with sample data."
    )
    parser.add_argument("--size", type=_size, default=SIZE, help=f"how many contacts (default: {SIZE:,})")
    parser.add_argument("--fresh", action="store_true", help="make another account, also where there is one")
    parser.add_argument(
        "--listen", action="store_true", help="run the servers behind the webhooks until Ctrl-C"
    )
    parser.add_argument("--directory", type=Path, default=ROOT / ".local", help="where stack.json is")
    return parser


def run(given: argparse.Namespace, stack: Json) -> int:
    """Do what the command line says. Returns the exit code.

    Raises:
        LocalStackError, Failed: a function or the API refused.
    """
    file = given.directory / "demo.json"
    there = None if given.fresh else known(file, stack)
    if given.listen:
        if there is None:
            raise LocalStackError("there is no Demo shop yet: `make demo` makes it")
        return listen(there)
    if there is not None:
        print(
            f"The account Demo shop is there, with {there['size']:,} customers since {there['made_at'][:16]}; "
            "nothing was made.\n`make demo FRESH=1` makes another one, and leaves this one as it is.\n"
        )
        print(introduction(there, file))
        return 0
    began = time.monotonic()
    try:
        made = make(stack, given.size)
    except BaseException:
        print(
            "It is not filled. Run it again, and it makes a fresh account; nothing knows of this one.",
            file=sys.stderr,
        )
        raise
    write(file, made)
    print(f"The account Demo shop is filled, after {time.monotonic() - began:.0f} s:\n{summary(made)}\n")
    print(introduction(made, file), AFTERWARDS, sep="\n\n")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = _parser().parse_args(arguments)
    stack = running_stack(given.directory)
    if stack is None:
        print("error: no local stack is running: `make run` starts one, in another shell", file=sys.stderr)
        return 1
    try:
        return run(given, stack)
    except (LocalStackError, Failed, OSError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
