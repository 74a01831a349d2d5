"""The console's only foreign module: as npm has it, with its licences and its types."""

import json
import re

from local.console.vendor import FILES, LICENSES, VENDOR, sha256
from local.stack import ROOT


def test_the_module_is_the_one_that_was_reviewed() -> None:
    assert sha256(VENDOR / "preact.js") in LICENSES.read_text(encoding="utf-8")


def test_both_licences_are_there() -> None:
    assert "Apache License" in (VENDOR / "htm.LICENSE").read_text(encoding="utf-8")
    assert "The MIT License" in (VENDOR / "preact.LICENSE").read_text(encoding="utf-8")


def test_its_packages_are_pinned_by_hash_and_no_registry_is_named() -> None:
    lock = (ROOT / "local" / "locks" / "node" / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(lock)["packages"]
    for package in {source.partition("/")[0] for source in FILES.values()}:
        assert packages[f"node_modules/{package}"]["integrity"].startswith("sha512-")
    assert "resolved" not in lock
    version = packages["node_modules/htm"]["version"]
    assert f"[htm](https://github.com/developit/htm) {version}," in LICENSES.read_text(encoding="utf-8")


def test_the_types_are_those_of_what_it_exports() -> None:
    module = (VENDOR / "preact.js").read_text(encoding="utf-8")
    (exported,) = re.findall(r"export\{([^}]*)\};?\s*$", module)
    names = {name.split(" as ")[-1] for name in exported.split(",")}
    types = (VENDOR / "preact.d.ts").read_text(encoding="utf-8")
    lists = re.findall(r"export \{([^}]*)\}", types)
    typed = {name.strip() for names_of in lists for name in names_of.split(",") if name.strip()}
    assert typed | set(re.findall(r"export function (\w+)", types)) == names
