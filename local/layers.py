"""The layers, built for the interpreter that runs this: what the runtime emulator puts on a function's path."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from local.errors import LocalStackError
from local.stack import ROOT

_NAMES = {"DependenciesLayer": "dependencies", "ImportLayer": "imports", "ContactsLayer": "contacts"}
"""The folder of each layer of the template, below layers/. With build.py it is all that the layer is made of: the same
content is built once."""
_KEPT = 3


def built_layers(layers: Sequence[str] = ("DependenciesLayer", "ContactsLayer")) -> list[Path]:
    """The folders that are /opt/python on Lambda, in the order of `layers`: their logical ids in the template.

    Without `layers`: those that every function has.

    Raises:
        LocalStackError: one of them could not be built.
    """
    return [_built(_NAMES[layer]) for layer in layers]


def _built(layer: str) -> Path:
    target = ROOT / ".local" / "layers" / f"{layer}-{_version(layer)}"
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            built = subprocess.run(
                [sys.executable, str(ROOT / "layers" / "build.py"), layer, scratch],
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                env={**os.environ, "LAYER_PYTHON": sys.executable},
            )
            if built.returncode:
                raise LocalStackError(f"the {layer} layer could not be built:\n{built.stdout}{built.stderr}")
            with suppress(OSError):  # another process was faster with the same content
                Path(scratch).rename(target)
            Path(scratch).mkdir(exist_ok=True)  # which its context manager expects to find
        for old in sorted(target.parent.glob(f"{layer}-*"), key=lambda build: build.stat().st_mtime)[:-_KEPT]:
            shutil.rmtree(old, ignore_errors=True)
    return target / "python"


def _version(layer: str) -> str:
    """A digest of everything the layer is built from, the interpreter among it."""
    digest = hashlib.sha256(sys.version.encode())
    for source in ("build.py", layer):
        path = ROOT / "layers" / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
