"""`python -m local.invoke get_contact [event.json]`: what `make invoke F=get_contact` runs.

One function in a fresh process under AWS's own runtime emulator, with the environment of its block in template.yaml, on
the table of the local stack if one runs. The answer goes to standard output, the log to standard error.
"""

import argparse
import json
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.errors import LocalStackError
from local.layers import built_layers
from local.rie import FunctionFailed, RuntimeEmulator
from local.stack import ROOT, VARIABLES_FILE
from local.template import Function, functions

NOWHERE = "http://127.0.0.1:9"
"""An endpoint where nothing listens, for a function invoked without a local stack."""


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.invoke", description="Invoke one function.")
    parser.add_argument("function", help="the name of a folder in functions/")
    parser.add_argument("event", nargs="?", type=Path, help="default: events/<function>.json")
    arguments = parser.parse_args()
    event = arguments.event or ROOT / "events" / f"{arguments.function}.json"
    try:
        payload, log = invoke(function_named(arguments.function), read_event(event), running_stack())
    except (LocalStackError, FunctionFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(log, file=sys.stderr)
    print(json.dumps(readable(payload), indent=2, ensure_ascii=False))
    return 1 if isinstance(payload, dict) and "errorMessage" in payload else 0


def function_named(name: str) -> Function:
    """The function of the template whose folder has this name.

    Raises:
        LocalStackError: there is none.
    """
    known = {function.name: function for function in functions()}
    if name not in known:
        raise LocalStackError(f"there is no function {name}; there are {', '.join(sorted(known))}")
    return known[name]


def read_event(path: Path) -> Any:
    """The event in a file.

    Raises:
        LocalStackError: there is no such file, or no JSON in it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LocalStackError(f"no event: {error}") from error


def running_stack(directory: Path = ROOT / ".local") -> dict[str, Any] | None:
    """What stack.json in a directory says, if the stack it describes runs."""
    file = directory / "stack.json"
    if not file.exists():
        return None
    described: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    address = urlsplit(described["endpoint_url"])
    with socket.socket() as probe:
        is_running = probe.connect_ex((address.hostname or "", address.port or 0)) == 0
    return described if is_running else None


def invoke(function: Function, event: Any, stack: dict[str, Any] | None) -> tuple[Any, str]:
    """What a function answers to an event, and its log.

    Raises:
        LocalStackError: what it takes to run a function is missing.
        FunctionFailed: the function's process ended without an answer.
    """
    if stack is None:
        print(
            "no local stack is running (`make run` starts one): nothing of AWS will answer", file=sys.stderr
        )
        environment = function.resolved_environment({}) | {"AWS_ENDPOINT_URL": NOWHERE}
    else:
        variables = json.loads((ROOT / ".local" / VARIABLES_FILE).read_text(encoding="utf-8"))
        environment = {**variables[function.logical_id], "SERVICES_ENDPOINT": stack["endpoint_url"]}
    emulator = RuntimeEmulator(
        function.folder,
        environment,
        built_layers(function.layers),
        handler=function.handler,
        timeout=function.timeout,
        memory=function.memory,
    )
    with emulator:
        invocation = emulator.invoke(event)
    return invocation.payload, invocation.log


def readable(payload: Any) -> Any:
    """An HTTP answer with its JSON body as JSON, for a person to read."""
    if isinstance(payload, dict) and isinstance(payload.get("body"), str):
        try:
            return {**payload, "body": json.loads(payload["body"])}
        except ValueError:
            return payload
    return payload


if __name__ == "__main__":
    sys.exit(main())
