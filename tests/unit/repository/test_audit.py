"""`make audit`: what pip-audit says, and the list that stands in for it."""

import tomllib

import pytest

from local.audit import LISTED, SHIPS, Audited, held_against_list, pinned, read

LOCKED = {"idna": "3.20", "urllib3": "2.8.0"}


def test_the_list_knows_every_package_that_ships_and_no_other() -> None:
    assert tomllib.loads(LISTED.read_text(encoding="utf-8"))["ended"].keys() == pinned(*SHIPS).keys()


def test_what_ships_has_no_advisory_of_the_list() -> None:
    ended = tomllib.loads(LISTED.read_text(encoding="utf-8"))["ended"]
    assert held_against_list(pinned(*SHIPS), ended) == Audited({}, [])


@pytest.mark.parametrize(
    ("ended", "advised", "unknown"),
    [
        ({"idna": "", "urllib3": ""}, [], []),
        ({"idna": "3.20", "urllib3": "2.8"}, [], []),
        ({"idna": "3.21", "urllib3": "2.10.0"}, ["idna 3.20", "urllib3 2.8.0"], []),
        ({"idna": "3.7"}, [], ["urllib3"]),
    ],
)
def test_a_version_is_held_against_the_one_that_was_mended(
    ended: dict[str, str], advised: list[str], unknown: list[str]
) -> None:
    found = held_against_list(LOCKED, ended)
    assert (list(found.advisories), found.unknown) == (advised, unknown)


def test_what_pip_audit_has_skipped_is_not_taken_for_sound() -> None:
    vulns = [{"id": "GHSA-1", "fix_versions": ["3.21"], "aliases": [], "description": ""}]
    answer = {
        "dependencies": [
            {"name": "idna", "version": "3.20", "vulns": vulns},
            {"name": "urllib3", "skip_reason": "Dependency not found on PyPI"},
        ]
    }
    assert read(answer, LOCKED) == Audited({"idna 3.20": "GHSA-1 (mended in 3.21)"}, ["urllib3"])
    assert read({}, LOCKED) == Audited({}, ["idna", "urllib3"])
    sound = [{"name": name, "version": version, "vulns": []} for name, version in LOCKED.items()]
    assert read({"dependencies": sound}, LOCKED) == Audited({}, [])
