"""Folders of third-party packages, copied from the environment that runs this: its versions, no registry."""

import compileall
import importlib.metadata
import py_compile
import shutil
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def with_requirements(names: Iterable[str]) -> dict[str, importlib.metadata.Distribution]:
    """The installed distributions of these names and of all they require here, by canonical name.

    Raises:
        importlib.metadata.PackageNotFoundError: one of them is not installed.
    """
    found: dict[str, importlib.metadata.Distribution] = {}
    wanted = [Requirement(name) for name in names]
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        if name in found:
            continue
        found[name] = importlib.metadata.distribution(name)
        for extra in ("", *requirement.extras):
            for text in found[name].requires or ():
                required = Requirement(text)
                if required.marker is None or required.marker.evaluate({"extra": extra}):
                    wanted.append(required)
    return found


def copy_packages(names: Iterable[str], target: Path) -> None:
    """Copy the packages of these names, with all they require, into a folder that can stand on a Python path.

    Raises:
        importlib.metadata.PackageNotFoundError: one of them is not installed.
    """
    for distribution in with_requirements(names).values():
        for entry in distribution.files or ():
            # Scripts are listed as ../../../bin/…; byte code would be for the place it was compiled in.
            if ".." in entry.parts or entry.suffix == ".pyc":
                continue
            copy = target / entry
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(distribution.locate_file(entry)), copy)


def compile_packages(folder: Path) -> None:
    """Put byte code beside every module of a folder, as the layer build does, for the running interpreter."""
    compileall.compile_dir(folder, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
