"""The table of the benchmarks answers as moto does: the same requests leave the same items, and cost the same units."""

from typing import Any

import pytest

from bench.quick_table import QuickTable
from bench.service import ENDPOINT, deployed
from tests.support.moto_table import MotoTable, Refusal

Json = dict[str, Any]


class OnMoto:
    """`bench.service.Database` on moto."""

    name = "moto"

    def __init__(self) -> None:
        self.table = MotoTable()

    def call(self, method: str, request: Json) -> tuple[int, Json]:
        plain = {name: value for name, value in request.items() if name != "ReturnConsumedCapacity"}
        try:
            return 200, self.table.call(method, plain)
        except Refusal as refusal:
            return refusal.status, dict(refusal.document)


class Both:
    """Both tables; every answer of the one is held against the other's."""

    name = "both"

    def __init__(self) -> None:
        self.moto, self.quick = OnMoto(), QuickTable()
        self.calls: set[str] = set()
        self.differences: list[Any] = []

    def call(self, method: str, request: Json) -> tuple[int, Json]:
        self.calls.add(method)
        expected, found = self.moto.call(method, request), self.quick.call(method, request)
        members = ["Item", "Items", "Responses", "LastEvaluatedKey", "Count"]
        if request.get("ReturnValues") != "UPDATED_NEW":  # moto leaves out what was set to the value it had
            members.append("Attributes")
        is_same = found[0] == expected[0] and all(
            alike(found[1].get(name)) == alike(expected[1].get(name)) for name in members
        )
        if not is_same:
            self.differences.append((method, request, found, expected))
        return found


def alike(value: Any) -> Any:
    """A value in typed JSON, whatever the order of sets, of items of a batch and of keys."""
    if isinstance(value, dict):
        if set(value) == {"SS"}:
            return {"SS": sorted(value["SS"])}
        if set(value) == {"N"}:
            return {"N": float(value["N"])}
        return {
            name: sorted(map(repr, map(alike, inner))) if name == "contacts" else alike(inner)
            for name, inner in value.items()
        }
    return [alike(inner) for inner in value] if isinstance(value, list) else value


def test_a_life_of_contacts_leaves_the_same_items() -> None:
    both = Both()
    with deployed(both) as service:
        account = service.open_account()

        def ask(method: str, target: str, body: Any = None) -> Any:
            service.now += 1
            answer = service.request(account, method, target, body)
            service.follow()
            return answer.body

        ask("POST", "/v1/webhooks", {"url": ENDPOINT, "events": ["*"]})
        ids = []
        for number in range(3):
            body = {"email": f"ada{number}@example.net", "external_id": f"crm-{number}", "tags": ["vip"]}
            ids.append(ask("POST", "/v1/contacts", body | {"first_name": "Ada", "lists": ["news"]})["id"])
        ask("POST", "/v1/contacts", {"email": "ada0@example.net"})  # a duplicate
        ask("PATCH", f"/v1/contacts/{ids[0]}", {"metadata": {"a": {"b": 1}}, "add_tags": ["won"]})
        ask("PATCH", f"/v1/contacts/{ids[0]}", {"metadata": {"a": None}, "email": "countess@example.net"})
        ask("PATCH", f"/v1/contacts/{ids[1]}", {"is_unsubscribed": True})
        ask("POST", f"/v1/contacts/{ids[0]}/events", {"name": "order", "data": {"n": 1}})
        ask("POST", f"/v1/contacts/{ids[0]}/merge", {"from": ids[1]})
        ask("DELETE", f"/v1/contacts/{ids[2]}")
        ask("POST", f"/v1/contacts/{ids[2]}/restore")
        ask("DELETE", f"/v1/contacts/{ids[2]}?permanent=true")
        for query in ("limit=2", "tag=vip&include_total=true", "sort=email", "search=ada", "is_active=true"):
            assert ask("GET", f"/v1/contacts?{query}")["data"]
        service.now += 60
        assert ask("GET", "/v1/events?limit=3")["data"]
        assert ask("GET", f"/v1/contacts/{ids[0]}/events")["data"]
        ask("GET", "/v1/tags")
    assert both.differences == []
    items = {key(item): alike(item) for item in both.moto.table.items()}
    assert {key(item): alike(item) for item in both.quick.items_below("")} == items
    assert {"query", "transact_write_items", "batch_write_item", "update_item"} <= both.calls


def key(item: Json) -> tuple[str, str]:
    return item["PK"]["S"], item["SK"]["S"]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("n BETWEEN :one AND :three", True),
        ("n IN (:one, :three)", False),
        ("NOT (n < :one OR attribute_not_exists(s))", True),
        ("size(s) >= :one AND contains(s, :a)", True),
        ("begins_with(t, :a)", True),
        ("t <> :a", True),
        ("absent = :a", False),
        ("absent <> :a", True),
        ("m.k = :one", True),
    ],
)
def test_a_condition_is_read_as_moto_reads_it(condition: str, holds: bool) -> None:
    item = {
        "PK": {"S": "p"},
        "SK": {"S": "s"},
        "n": {"N": "2"},
        "s": {"SS": ["a", "b"]},
        "t": {"S": "ab"},
        "m": {"M": {"k": {"N": "1.0"}}},
    }
    values = {":one": {"N": "1"}, ":three": {"N": "3"}, ":a": {"S": "a"}}
    used = {name: value for name, value in values.items() if name in condition}
    for table in (OnMoto(), QuickTable()):
        assert table.call("put_item", {"TableName": "contacts", "Item": item})[0] == 200
        checked = {"TableName": "contacts", "Item": item, "ConditionExpression": condition}
        status, _ = table.call("put_item", checked | {"ExpressionAttributeValues": used})
        assert (status == 200) is holds, (table.name, condition)
