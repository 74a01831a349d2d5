"""The page's only foreign module: htm with Preact, byte for byte as npm has it."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Final

from local.console.tools import NODE_MODULES, PAGE

VENDOR: Final = PAGE / "vendor"
LICENSES: Final = VENDOR / "LICENSES.md"
FILES: Final = {
    "preact.js": "htm/preact/standalone.module.js",
    "htm.LICENSE": "htm/LICENSE",
    "preact.LICENSE": "preact/LICENSE",
}
"""Name in the page's vendor folder -> file in node_modules."""


def renew() -> None:
    """Copy the files that npm installed by the lock, and write down what they are."""
    VENDOR.mkdir(exist_ok=True)
    for name, source in FILES.items():
        shutil.copyfile(NODE_MODULES / source, VENDOR / name)
    LICENSES.write_text(licenses(), encoding="utf-8")


def differences() -> list[str]:
    """Which files are not as npm has them, each in a sentence."""
    return [
        f"vendor/{name} is not npm's {source}: `make vendor` writes it"
        for name, source in FILES.items()
        if (VENDOR / name).read_bytes() != (NODE_MODULES / source).read_bytes()
    ]


def licenses() -> str:
    """What the folder says of its files."""
    htm = json.loads((NODE_MODULES / "htm" / "package.json").read_text(encoding="utf-8"))["version"]
    return f"""\
`preact.js` is `{FILES["preact.js"].removeprefix("htm/")}` of the npm package
[htm](https://github.com/developit/htm) {htm}, byte for byte. It holds:

- htm, Copyright 2018 Google Inc., Apache License 2.0: `htm.LICENSE`.
- preact, Copyright (c) 2015-present Jason Miller, MIT License: `preact.LICENSE`.

`make vendor` copies these files from the packages that `local/locks/node/package-lock.json` pins, and writes this
page. `make check` compares them. The SHA-256 of `preact.js`:

    {sha256(VENDOR / "preact.js")}
"""


def sha256(file: Path) -> str:
    """The hash of a file, in hex."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
