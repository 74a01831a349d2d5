"""What the cost and load benches stand on: all that a change sets going is counted, at the time that it takes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from bench import bill, units
from bench.cost import Prepared, Scenario, Target, kind_of_key, measure, standing_costs
from bench.quick_table import QuickTable
from bench.service import CALL_S, Service, Use, deployed, sources, throttled
from contacts.table.expressions import to_item
from local.stack import ROOT
from local.template import template


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with deployed(QuickTable()) as made:
        yield made


@pytest.mark.parametrize(
    ("value", "at_least", "met", "held"),
    [
        (9.0, False, True, True),
        (11.9, False, False, True),
        (12.0, False, False, False),
        (9.0, True, True, True),
        (7.0, True, False, True),
        (6.9, True, False, False),
    ],
)
def test_a_target_that_is_missed_is_held_where_it_is(
    value: float, at_least: bool, met: bool, held: bool
) -> None:
    target = Target("update", 9, "$", at_least=at_least, held_at=7.0 if at_least else 11.9)
    assert (target.is_met(value), target.is_held(value)) == (met, held)
    assert Target("update", 9, "$", at_least=at_least).is_held(value) == met


def test_the_page_on_deploying_says_what_an_idle_stack_costs() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    said = page.partition("## What it costs while nobody calls")[2].partition("\n## ")[0].replace("\n", " ")
    costs = standing_costs()
    alarms = sum(usd for what, usd in costs if "alarms" in what)
    assert f"alarms (${alarms:g}: " in said
    for what, _ in costs:
        (number, of) = re.findall(r"([\d.]+) (?:M polls of (?=\d)|)(.*)", what)[0]
        if "polls" in what:
            number, of = of.split(" ", 1)
            assert f"Lambda asks the {number} queues" in said
        elif "versions" not in what and "dashboard" not in what:
            assert f"{number} {of.partition(' that')[0].partition(',')[0].partition(' on')[0]}" in said, what


def test_a_create_is_billed_with_all_that_follows_it(service: Service) -> None:
    def create(prepared: Prepared, _: int) -> object:
        return prepared.call("POST", "/v1/contacts", prepared.person())

    measured = measure(Scenario("create", create), service, repeats=1)
    assert not service.records
    assert not any(service.queues.values())
    followers = {
        "create_contact",
        "dispatch_webhooks",
        "project_changes",
        "deliver_webhook",
        "validate_contact",
    }
    assert followers == set(measured.uses)
    whole = measured.bill
    assert whole.of["api_requests"] == 1
    assert whole.of["invocations"] >= len(followers)
    assert whole.of["write_units"] == sum(use.writes for use in measured.uses.values())
    assert whole.usd == pytest.approx(sum(whole.of[line] * bill.price(line) for line in bill.LINES))
    assert not any("@" in key for key in measured.by_key())


def test_calls_side_by_side_take_the_time_of_one(service: Service) -> None:
    prepared = Prepared(service, service.open_account())
    operations = [{"op": "create", "contact": prepared.person()} for _ in range(16)]
    body = {"operations": operations}
    use = service.requested(prepared.account, "POST", "/v1/contacts/batch", body).use
    calls = sum(use.calls.values())
    assert calls >= 33
    assert use.waited_s < (calls - 1) * CALL_S


def test_sqs_hands_over_ten_messages_a_request(service: Service) -> None:
    prepared = Prepared(service, service.open_account())
    service.follow()
    with service.recorded() as used:
        prepared.fill(11)
    validation = used["validate_contact"]
    assert validation.invocations == 1
    assert validation.calls["sqs", "receive_and_delete"] == 2 * 2


def test_a_throttle_takes_the_place_of_a_write_and_costs_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = service.open_account()
    monkeypatch.setattr(service, "strike", lambda method, steps: throttled(method, len(steps)))
    invoked = service.requested(account, "POST", "/v1/contacts", {"email": "ada@example.com"})
    assert service.answered(invoked).status in (429, 503)
    assert invoked.use.writes == 0
    assert invoked.use.waited_s > 0


def item(**attributes: Any) -> Any:
    return to_item({"PK": "p", "SK": "s", **attributes})


@pytest.mark.parametrize(
    ("method", "before", "after", "expected"),
    [
        pytest.param("put_item", None, item(text="x" * 100), 1, id="a small one"),
        pytest.param("put_item", None, item(text="x" * 1100), 2, id="beyond 1 KB"),
        pytest.param("put_item", item(text="x" * 3000), item(), 3, id="the larger of before and after"),
        pytest.param("put_item", None, item(email="a@b"), 1 + 1, id="with an entry of an index"),
        pytest.param("put_item", item(email="a@b"), item(email="c@d"), 1 + 2, id="an entry that moves"),
        pytest.param("put_item", item(email="a@b"), item(email="a@b", n=1), 1, id="an entry that stays"),
        pytest.param("transact_write_items", None, item(email="a@b"), 2 + 1, id="in a transaction"),
    ],
)
def test_units_by_the_rules(method: str, before: Any, after: Any, expected: float) -> None:
    step = {"TableName": "contacts", "Item": item()}
    request = {"TransactItems": [{"Put": step}]} if method == "transact_write_items" else step
    key = ("p", "s")
    assert sum(one.units for one in units.written(method, request, {key: before}, {key: after})) == expected


def test_a_key_is_known_without_what_is_the_accounts_own() -> None:
    account = "ACCOUNT#019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"
    assert kind_of_key(f"{account}#EMAIL#ada@example.com") == "#EMAIL#<…>"
    assert kind_of_key(f"{account}#EVENTS#2026-01-15") == "#EVENTS#<day>"
    assert kind_of_key(f"{account}#0 (index email)") == "#0 (index email)"
    assert kind_of_key(f"{account}#WEBHOOK#wh_19bb6e7c0407e1d4a90") == "#WEBHOOK#<webhook>"


def test_every_price_has_a_line_and_every_line_a_price() -> None:
    assert all(bill.price(line) > 0 for line in bill.LINES)
    used = bill.bill_of("get_contact", Use(invocations=1, writes=1.0), is_requested=True)
    assert set(used.of) == set(bill.LINES)


def test_every_mapping_of_the_template_is_simulated() -> None:
    mappings = [
        one for one in template()["Resources"].values() if one["Type"] == "AWS::Lambda::EventSourceMapping"
    ]
    streams, queues = sources()
    assert len(mappings) == len(streams) + len(queues)
