"""An account as it was recorded, and requests, records and messages that are played to the functions as they are now.

`items.jsonl` has an item a line, in DynamoDB's JSON. `scenarios.jsonl` has a scenario a line: its steps, each with what
came of it when it was recorded, and the items that they changed. Every scenario begins with the recorded items.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from local.table import NAME
from tests.support import deployed
from tests.support.deployed import Call, DeployedFunctions, forget_what_was_made_once
from tests.support.moto_table import MotoTable, TypedItem

Json = dict[str, Any]

FOLDER = Path(__file__).parent
ITEMS, SCENARIOS = FOLDER / "items.jsonl", FOLDER / "scenarios.jsonl"
RECORDED_MS = 1_768_473_000_000
"""2026-01-15T10:30:00Z: the moment at which a scenario begins, unless a step says another."""
MAIL_EXCHANGERS = {"example.com": ("mx.example.com",), "example.net": (".",)}
COMMON_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Type": "application/json",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Request-Id": "r-1",
}
"""What most answers have. A recorded answer tells other values, and null for a header that it has not."""
_METER = ("ratelimit", "x-ratelimit")
"""How the headers begin that tell what is left of the hour. They are looked at in scenarios about keys alone."""
_MASKED = {"duration_ms": 0, "change_id": "…"}
"""What differs from run to run."""


def recorded_scenarios() -> dict[str, Json]:
    """The scenarios by their names."""
    lines = SCENARIOS.read_text(encoding="utf-8").splitlines()
    return {scenario["name"]: scenario for scenario in map(json.loads, lines)}


def played(scenario: Json, of_the_table: list[Call] | None = None) -> Json:
    """A scenario with what comes of it now. `of_the_table`: gets the calls to DynamoDB."""
    with functions_of_the_account(scenario["name"]) as functions:
        before = functions.table.snapshot()
        steps = [_played_step(step, functions) for step in scenario["steps"]]
        writes = list(_writes(functions.table.changes_since(before)))
    if of_the_table is not None:
        of_the_table += functions.of_the_table
    return {"name": scenario["name"], "steps": steps, "writes": writes}


@contextmanager
def functions_of_the_account(label: str = "") -> Iterator[DeployedFunctions]:
    """Functions on a table that holds the recorded items."""
    table, snapshot = _recorded_table()
    table.bring_back(snapshot)
    forget_what_was_made_once()
    try:
        yield DeployedFunctions(table, RECORDED_MS, label, mail_exchangers=MAIL_EXCHANGERS)
    finally:
        forget_what_was_made_once()


def _played_step(step: Json, functions: DeployedFunctions) -> Json:
    asked = {name: step[name] for name in step if name not in ("answer", "sent", "posted")}
    functions.at_ms = step.get("at_ms", functions.at_ms)
    functions.endpoint_answer = getattr(deployed, step.get("endpoint", "OK"))
    functions.sent.clear()
    functions.posted.clear()
    if "function" in step:
        asked["answer"] = _masked(_invoked(functions, step["function"], step["event"]))
    else:
        answer = functions.request(
            step["method"],
            step["target"],
            step.get("body"),
            key=step.get("key"),
            headers=step.get("headers"),
        )
        asked["answer"] = _shown_answer(answer, is_metered=functions.label.startswith("key: "))
    if functions.sent:
        asked["sent"] = list(functions.sent)
    if functions.posted:
        asked["posted"] = [request.decode().split("\r\n") for request in functions.posted]
    return json.loads(json.dumps(asked))


def _invoked(functions: DeployedFunctions, function: str, event: Any) -> Any:
    try:
        return functions.invoke(function, event)
    except Exception as error:  # noqa: BLE001 (as Lambda does)
        return {"raised": type(error).__name__, "message": str(error)}


def _shown_answer(answer: Json, *, is_metered: bool) -> Json:
    headers, body = answer["headers"], answer["body"]
    differing = {name: value for name, value in headers.items() if COMMON_HEADERS.get(name) != value}
    differing |= dict.fromkeys(COMMON_HEADERS.keys() - headers.keys())
    if not is_metered:
        differing = {name: value for name, value in differing.items() if not name.lower().startswith(_METER)}
    shown = {"status": answer["statusCode"], "headers": dict(sorted(differing.items()))}
    if body and compact(json.loads(body)) == body:
        return {**shown, "body": _masked(json.loads(body))}
    return {**shown, "text": body}


def compact(value: Any) -> str:
    """JSON as the service writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _masked(value: Any) -> Any:
    """A value of JSON without what differs from run to run."""
    match value:
        case dict():
            return {name: _MASKED.get(name, _masked(member)) for name, member in value.items()}
        case list():
            return [_masked(member) for member in value]
    return value


def _writes(changes: Iterable[tuple[TypedItem | None, TypedItem | None]]) -> Iterator[Json]:
    """What was written: of a changed item the attributes that are other now, null for one that is gone."""
    for old, new in changes:
        some = old or new
        assert some is not None
        key = [some["PK"]["S"], some["SK"]["S"]]
        if new is None:
            yield {"key": key, "deleted": True}
        elif old is None:
            yield {"key": key, "put": _ordered(new)}
        elif not key[0].endswith("#USAGE"):  # Every request counts.
            names = old.keys() | new.keys()
            changed = {name: new.get(name) for name in names if old.get(name) != new.get(name)}
            if key[1] == "ACCOUNT" and "secret" in changed:
                changed["secret"] = "…"  # Drawn by an account of old when it is first read.
            yield {"key": key, "changed": _ordered(changed)}


def _ordered(attributes: Mapping[str, Any]) -> Json:
    shown: Json = _masked(json.loads(line(attributes)))
    return shown


def line(value: Any) -> str:
    """A value as a line of a recording: the members of an item in the order of their names, of a set in its order."""
    return json.dumps(_with_sorted_sets(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _with_sorted_sets(value: Any) -> Any:
    match value:
        case {"SS": members, **rest} if not rest:
            return {"SS": sorted(members)}
        case dict():
            return {name: _with_sorted_sets(member) for name, member in value.items()}
        case list():
            return [_with_sorted_sets(member) for member in value]
    return value


@cache
def _recorded_table() -> tuple[MotoTable, Any]:
    table = MotoTable()
    for text in ITEMS.read_text(encoding="utf-8").splitlines():
        table.call("put_item", {"TableName": NAME, "Item": json.loads(text)})
    return table, table.snapshot()
