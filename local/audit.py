"""Are there advisories about the packages as they are locked? `make audit`.

pip-audit asks PyPI's advisory service. Where that cannot be reached, or a registry between does not have it, the
packages that ship are held against `local/locks/advisories.toml`, a list with a date.

Exit code 1: something that ships has an advisory, or is in neither. Advisories about tools are told, and no more.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent
SHIPS: Final = tuple(ROOT / "layers" / layer / "requirements.txt" for layer in ("dependencies", "imports"))
"""The packages that ship, by layer."""
LOCKS: Final = ROOT / "local" / "locks"
LISTED: Final = LOCKS / "advisories.toml"
OLD_DAYS: Final = 90
"""Days after which the list is called old."""
_PINNED: Final = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)", re.MULTILINE)


class Audited(NamedTuple):
    """What was found out about some packages."""

    advisories: dict[str, str]
    """By package and version, the advisories."""
    unknown: list[str]
    """Packages of which nothing was found out."""


def pinned(*locks: Path) -> dict[str, str]:
    """The version of each package of the locks."""
    return {name: version for lock in locks for name, version in _PINNED.findall(lock.read_text("utf-8"))}


def asked(*locks: Path) -> Audited:
    """What pip-audit finds out about locks."""
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    done = subprocess.run(
        [*command, "--format", "json", *(f"--requirement={lock}" for lock in locks)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    try:
        answer = json.loads(done.stdout)
    except json.JSONDecodeError:
        return Audited({}, sorted(pinned(*locks)))
    return read(answer, pinned(*locks))


def read(answer: Mapping[str, Any], locked: Mapping[str, str]) -> Audited:
    """What pip-audit's JSON says. A package that it has skipped, or does not name, is unknown."""
    advisories: dict[str, str] = {}
    known = set()
    for package in answer.get("dependencies", ()):
        if "skip_reason" in package:
            continue
        known.add(package["name"])
        found = [
            f"{one['id']} (mended in {', '.join(one['fix_versions']) or 'no version'})"
            for one in package["vulns"]
        ]
        if found:
            advisories[f"{package['name']} {package['version']}"] = "; ".join(found)
    return Audited(advisories, sorted(locked.keys() - known))


def held_against_list(packages: Mapping[str, str], ended: Mapping[str, str]) -> Audited:
    """What the list says of packages.

    `ended`: by package the version in which the last advisory that is known was mended; "": none is known.
    """
    advisories = {
        f"{name} {version}": f"there is an advisory before {ended[name]}"
        for name, version in packages.items()
        if ended.get(name) and _number(version) < _number(ended[name])
    }
    return Audited(advisories, sorted(packages.keys() - ended.keys()))


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def main() -> int:
    """Audit every lock. Returns the exit code."""
    locked = pinned(*SHIPS)
    shipped = asked(*SHIPS)
    _tell("ships", shipped.advisories)
    if shipped.unknown:
        listed = tomllib.loads(LISTED.read_text(encoding="utf-8"))
        days = (datetime.now(UTC).date() - listed["reviewed"]).days
        print(
            f"No service told about {len(shipped.unknown)} of {len(locked)} packages that ship: "
            f"held against the list of {listed['reviewed']}{', WHICH IS OLD' if days > OLD_DAYS else ''}."
        )
        held = held_against_list({name: locked[name] for name in shipped.unknown}, listed["ended"])
        _tell("ships", held.advisories)
        for name in held.unknown:
            print(f"ships: {name} {locked[name]}: in no list")
        shipped = Audited({**shipped.advisories, **held.advisories}, held.unknown)
    for lock in sorted(LOCKS.glob("*.txt")):
        tool = asked(lock)
        _tell(f"tool ({lock.stem})", tool.advisories)
        if tool.unknown:
            print(f"tool ({lock.stem}): no service told about {len(tool.unknown)} packages")
    return 1 if shipped.advisories or shipped.unknown else 0


def _tell(what: str, advisories: Mapping[str, str]) -> None:
    for package, found in advisories.items():
        print(f"{what}: {package}: {found}")


if __name__ == "__main__":
    sys.exit(main())
