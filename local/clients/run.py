"""The steps of `make clients` and `make lint-openapi`."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from local.environment import foreign_removed
from local.stack import ROOT, LocalStack, free_port

DOCUMENT: Final = ROOT / "docs" / "openapi.json"
PAGE: Final = ROOT / "docs" / "clients.md"
SOURCES: Final = ROOT / "local" / "clients"
PYTHON_TOOLS: Final = ROOT / ".venv" / "clients" / "bin"
NODE_MODULES: Final = ROOT / ".venv" / "node" / "node_modules"
MADE: Final = ROOT / ".local" / "clients"
"""Where everything goes that is generated; it is made anew each time."""

PROGRAMS: Final = ("story", "page")
"""Of each language: the program in this folder, and the one that docs/clients.md shows."""


class ClientsError(Exception):
    """Raised when a tool or a program failed; has what it printed."""


def try_clients() -> None:
    """Generate the clients, check their types, and run the programs on them against a stack of their own.

    Without Node.js only the Python client is tried, and a line says so.

    Raises:
        ClientsError: a generator warned, a type is wrong, or a program failed.
        LocalStackError: the stack did not start.
    """
    shutil.rmtree(MADE, ignore_errors=True)
    commands = python_client(MADE / "python")
    if has_node():
        commands += typescript_client(MADE / "typescript")
    stack = LocalStack(MADE / "stack", free_port(), persistent=False)
    stack.directory.mkdir(parents=True)
    with stack:
        where = {"API": stack.url, "KEY": stack.description["keys"]["native"]}
        for command in commands:
            printed = run(f"{command[-1]}", command, cwd=MADE, environment=where)
            print(f"{Path(command[-1]).relative_to(MADE)}: {printed.splitlines()[-1]}", flush=True)


def lint() -> None:
    """Hold the document against Spectral's and Redocly's rules; a warning counts. Without Node.js: a line says so.

    Raises:
        ClientsError: there are findings.
    """
    if not has_node():
        return
    tools = NODE_MODULES / ".bin"
    spectral = ("lint", "--fail-severity=hint", f"--ruleset={SOURCES / 'spectral.yaml'}", str(DOCUMENT))
    run("Spectral", (str(tools / "spectral"), *spectral))
    redocly = ("lint", f"--config={SOURCES / 'redocly.yaml'}", str(DOCUMENT))
    run("Redocly", (str(tools / "redocly"), *redocly))
    print("Spectral (spectral:oas) and Redocly (recommended) find nothing", flush=True)


def has_node() -> bool:
    """Whether what runs on Node.js is installed; if not, a line says that it is left out."""
    if shutil.which("node") and (NODE_MODULES / ".bin").is_dir():
        return True
    print("Node.js and npm are not installed: what runs on them is left out", flush=True)
    return False


def python_client(directory: Path) -> list[Sequence[str]]:
    """Generate the Python client and check types; returns the commands that run its programs.

    Raises:
        ClientsError
    """
    began = time.monotonic()
    directory.parent.mkdir(parents=True, exist_ok=True)
    generate = ("generate", f"--path={DOCUMENT}", "--fail-on-warning", f"--output-path={directory}")
    run("openapi-python-client", (str(PYTHON_TOOLS / "openapi-python-client"), *generate))
    write_programs(directory, "python", ".py")
    mypy = ("--strict", "--no-error-summary", "--config-file=", "--cache-dir=.mypy_cache", ".")
    run("mypy", (str(PYTHON_TOOLS / "mypy"), *mypy), cwd=directory)
    models = len(list((directory / "contacts_api_client" / "models").glob("[a-z]*.py")))
    print(f"Python: {models} models, no warning, types right ({time.monotonic() - began:.0f} s)", flush=True)
    return [(str(PYTHON_TOOLS / "python"), str(directory / f"{name}.py")) for name in PROGRAMS]


def typescript_client(directory: Path) -> list[Sequence[str]]:
    """Generate the TypeScript client and compile its programs; returns the commands that run these.

    Raises:
        ClientsError
    """
    began = time.monotonic()
    directory.mkdir(parents=True)
    (directory / "node_modules").symlink_to(NODE_MODULES)
    (directory / "package.json").write_text('{"type": "module"}\n')
    shutil.copy(SOURCES / "tsconfig.json", directory)
    tools = NODE_MODULES / ".bin"
    output = directory / "schema.d.ts"
    generate = (str(DOCUMENT), "--default-non-nullable=false", f"--output={output}")
    run("openapi-typescript", (str(tools / "openapi-typescript"), *generate))
    write_programs(directory, "ts", ".ts")
    run("tsc", (str(tools / "tsc"), "--project", str(directory)), cwd=directory)
    print(f"TypeScript: types right ({time.monotonic() - began:.0f} s)", flush=True)
    return [("node", str(directory / "built" / f"{name}.js")) for name in PROGRAMS]


def write_programs(directory: Path, language: str, suffix: str) -> None:
    """Put a language's programs beside its client: the story, and what docs/clients.md shows."""
    shutil.copy(SOURCES / f"story{suffix}", directory)
    (directory / f"page{suffix}").write_text(shown(language), encoding="utf-8")


def shown(language: str) -> str:
    """The program in a language that docs/clients.md shows."""
    (program,) = re.findall(
        rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return str(program)


def run(
    name: str,
    command: Sequence[str],
    *,
    cwd: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> str:
    """What a command printed.

    Raises:
        ClientsError: it failed, or a generator warned.
    """
    own = foreign_removed(os.environ) | {
        # Beside a generator its own ruff is found, which it formats with. Nothing is told to anybody.
        "PATH": f"{PYTHON_TOOLS}{os.pathsep}{os.environ['PATH']}",
        "NO_COLOR": "1",
        "REDOCLY_TELEMETRY": "off",
        "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
        "SCARF_ANALYTICS": "false",
    }
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**own, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode or "Warning(s) encountered" in done.stdout:
        raise ClientsError(f"{name} failed ({done.returncode}):\n{done.stdout}")
    return done.stdout
