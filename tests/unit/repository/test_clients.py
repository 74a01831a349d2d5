"""docs/clients.md and the locks of `make clients` say the same as the document and as each other.

That the clients work is what `make clients` shows.
"""

import ast
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from local.clients import run
from local.stack import ROOT
from tests.support.documented import document

PAGE = run.PAGE.read_text(encoding="utf-8")
STORIES = {suffix: (run.SOURCES / f"story{suffix}").read_text(encoding="utf-8") for suffix in (".py", ".ts")}
NODE = ROOT / "local" / "locks" / "node"
OPERATIONS = {
    operation["operationId"]: operation["tags"][0].lower().replace(" ", "_")
    for methods in document()["paths"].values()
    for operation in methods.values()
}


@pytest.mark.parametrize("program", [run.shown("python"), STORIES[".py"]], ids=["page", "story"])
def test_a_python_program_uses_what_the_document_has(program: str) -> None:
    imported = {
        (node.module or "", alias.name)
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    operations = {(module.rpartition(".")[2], name) for module, name in imported if ".api." in module}
    assert operations
    assert operations <= {(tag, operation) for operation, tag in OPERATIONS.items()}
    assert {name for module, name in imported if module.endswith(".models")} <= set(
        document()["components"]["schemas"]
    )


@pytest.mark.parametrize("program", [run.shown("ts"), STORIES[".ts"]], ids=["page", "story"])
def test_a_typescript_program_uses_what_the_document_has(program: str) -> None:
    called = set(re.findall(r'\.(GET|POST|PUT|PATCH|DELETE)\("([^"]+)"', program))
    assert called
    assert all(method.lower() in document()["paths"][path] for method, path in called)
    named = set(re.findall(r'\["schemas"\]\["(\w+)"\]', program))
    assert named <= set(document()["components"]["schemas"])


def test_the_page_installs_what_is_tried() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    wanted = json.loads((NODE / "package.json").read_text(encoding="utf-8"))
    pinned = dict(one.split("==") for one in groups["clients"])
    pinned |= wanted["dependencies"] | wanted["devDependencies"]
    installed = dict(re.findall(r"\b([\w-]+)(?:==|@)(\d[\w.]+\d)", PAGE))
    assert set(installed) == {"openapi-python-client", "openapi-fetch", "openapi-typescript", "typescript"}
    assert installed.items() <= pinned.items()


def test_every_package_for_node_is_locked_by_its_hash_and_no_registry_is_named() -> None:
    lock: Any = json.loads((NODE / "package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((NODE / "package.json").read_text(encoding="utf-8"))
    packages = {path: package for path, package in lock["packages"].items() if path}
    assert {path: lock["packages"][""][path] for path in ("dependencies", "devDependencies")} == {
        path: wanted[path] for path in ("dependencies", "devDependencies")
    }
    assert [
        path for path, one in packages.items() if "integrity" not in one and not one.get("inBundle")
    ] == []
    assert [path for path, one in packages.items() if "resolved" in one] == []


def test_without_node_it_says_what_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "NODE_MODULES", tmp_path)
    run.lint()
    assert capsys.readouterr().out == "Node.js and npm are not installed: what runs on them is left out\n"


@pytest.mark.parametrize(
    ("says", "code", "fails"),
    [
        ("Generating", 0, False),
        ("Warning(s) encountered while generating.", 0, True),
        ("Generating", 1, True),
    ],
)
def test_a_generator_that_fails_or_warns_is_refused_with_what_it_said(
    says: str, code: int, fails: bool
) -> None:
    command = (sys.executable, "-c", f"print({says!r}); raise SystemExit({code})")
    if not fails:
        assert run.run("It", command) == f"{says}\n"
        return
    with pytest.raises(run.ClientsError, match=re.escape(says)):
        run.run("It", command)
