"""`python -m local run`: what `make run` runs."""

import argparse
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from local.errors import LocalStackError
from local.stack import ROOT, LocalStack

FIRST_REQUESTS = {
    "native": ("/v1/contacts", "X-API-Key: ", """ -d '{"email": "ada@example.com", "first_name": "Ada"}'"""),
    "sendmator": ("/api/v1/contacts", "X-API-Key: ", """ -d '{"email": "grace@example.com"}'"""),
    "smashsend": ("/v1/contacts?limit=10", "Authorization: Bearer ", ""),
    "smashsend_v2": (
        "/v1/contacts",
        "Authorization: Bearer ",
        """ -d '{"properties": {"email": "katherine@example.com"}}'""",
    ),
    "smartsender": ("/v1/contacts?page=1", "Authorization: Bearer ", ""),
    "artamail": ("/api/v1/contacts", "Authorization: Bearer ", """ -d '{"email": "joan@example.com"}'"""),
}
"""By dialect: what is worth trying first, the header its key goes into, and a body."""
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local", description="The local stack.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the local stack until Ctrl-C")
    run.add_argument("--port", type=int, default=4566)
    run.add_argument("--directory", type=Path, default=ROOT / ".local", help="where state and logs are kept")
    arguments = parser.parse_args()
    return run_until_interrupted(LocalStack(arguments.directory, arguments.port))


def run_until_interrupted(stack: LocalStack) -> int:
    """Runs `stack` until Ctrl-C, SIGTERM, or the emulator's own end."""
    for number in ENDING_SIGNALS:
        signal.signal(number, interrupt)
    stack.directory.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        say(f"starting the local stack on port {stack.port} (logs in {stack.directory})")
        with stack:
            say(f"ready after {time.monotonic() - started:.0f} s\n\n{introduction(stack)}\n\nCtrl-C ends it.")
            assert stack.process
            code = stack.process.wait()
            raise LocalStackError(
                f"MiniStack ended by itself (exit code {code}): see the end of {stack.emulator_log}"
            )
    except KeyboardInterrupt:
        say("\nended; `make run` continues where you left off, `make clean` forgets it")
        return 0
    except LocalStackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def introduction(stack: LocalStack) -> str:
    """Where the API is, the keys to it and a line to try."""
    described = stack.description
    keys: dict[str, str] = described.get("keys", {})
    lines = [
        f"API      {stack.url}",
        f"console  {stack.url}/console   (sign in with the key `native`)",
        f"docs     {stack.url}/docs",
        f"AWS      {stack.endpoint_url}   (table {described['table']})",
    ]
    lines += [f"key      {key}   {name}" for name, key in keys.items()]
    lines += [
        f"\n{dialect}:\n  curl -i '{stack.url}{path}' -H '{header}{keys[dialect]}'{body}"
        for dialect, (path, header, body) in FIRST_REQUESTS.items()
        if dialect in keys
    ]
    return "\n".join(lines)


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Ends the stack in good order, whichever signal asked for it and however often it is repeated."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def say(text: str) -> None:
    """Prints at once, also through a pipe."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
