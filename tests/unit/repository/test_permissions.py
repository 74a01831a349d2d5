"""What functions may do with the table: what they do and no more, however callers name things.

That every call they make is allowed is seen where calls are made: tests/unit/book/test_recorded_account.py, and every
test of what follows a change that makes it by `tests.support.app.App`.
"""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.core.ids import Name, NameKind
from contacts.table import keys
from local.template import functions, template
from tests.recorded.playing import recorded_scenarios
from tests.support.app import App
from tests.support.gateway import handed_over
from tests.support.hypothesis_profiles import examples
from tests.support.moto_table import MotoTable
from tests.support.permissions import Lacking, Statement, matches, statements_of

ACCOUNT = "01941f29-0000-7000-8000-00000000000a"
CONTACT = "01941f29-7c00-7aaa-8000-000000000001"
LOGICAL_IDS = {function.name: function.logical_id for function in functions()}
PATTERNS = {
    text.replace("@", "ACCOUNT#" + 36 * "?")
    for access in template()["Mappings"]["TableAccess"].values()
    for text in access["Of"].split(" ")
}
OWN = re.compile(r"(SWITCHES|KEY#|DOMAIN#|ACCOUNT#\?{36}(#[A-Z0-9_]+#?)?)\*?")
"""What a pattern is made of: nothing of a caller's stands before its `*`."""
MOST_CHARACTERS = 6144
MOST_POLICIES = 10
"""Of a managed policy without white space, and of a role (IAM's quotas)."""


def test_the_recorded_scenarios_hold_every_function_against_its_policies() -> None:
    """They do so in tests/unit/book/test_recorded_account.py. Two functions are in none: they have no items. Two others
    read a second table; tests/unit/restoring holds those. Those of imports and exports need S3: tests/unit/imports and
    tests/unit/exports hold them.
    """
    steps = [step for scenario in recorded_scenarios().values() for step in scenario["steps"]]
    played = {
        step["function"] if "function" in step else handed_over(step["method"], step["target"]).operation
        for step in steps
    }
    others = {"show_console", "show_docs", "refuse_request", "restore_account", "replay_journal"}
    of_files = {name for name, function in LOGICAL_IDS.items() if re.search("Import|Export", function)}
    assert LOGICAL_IDS.keys() - played <= others | of_files


def of_name(kind: NameKind, value: str) -> str:
    return keys.claim(ACCOUNT, Name(kind, value)).PK


USAGE = keys.usage(ACCOUNT, "2026-01-15T10").PK
CONTACTS = keys.contacts(ACCOUNT)
FORGED = f"{ACCOUNT}#USAGE"
"""What a caller may choose for a name."""


@pytest.mark.parametrize(
    ("function", "action", "partition"),
    [
        ("GetContact", "UpdateItem", CONTACTS),
        ("GetContact", "UpdateItem", of_name(NameKind.EXTERNAL_ID, "x#USAGE")),
        ("GetContact", "UpdateItem", of_name(NameKind.EXTERNAL_ID, FORGED)),
        ("GetContact", "UpdateItem", f"KEY#{FORGED}"),
        ("GetContact", "PutItem", USAGE),
        ("GetContact", "DeleteItem", USAGE),
        ("GetContact", "GetItem", keys.webhook(ACCOUNT, "wh_1").PK),
        ("GetContact", "Query", CONTACTS),
        ("ListContacts", "PutItem", CONTACTS),
        ("ListContacts", "PutItem", of_name(NameKind.EXTERNAL_ID, "x#PAGES")),
        ("ListContacts", "PutItem", keys.posting(ACCOUNT, ("tag", "x#PAGES"), CONTACT).PK),
        ("ListContacts", "DeleteItem", keys.bookmark(ACCOUNT, "q", 50).PK),
        ("ListTags", "Query", CONTACTS),
        ("ListTags", "Query", of_name(NameKind.EMAIL, "x#COUNTS")),
        ("CreateContact", "PutItem", keys.api_key("0" * 64).PK),
        ("CreateContact", "UpdateItem", keys.webhook(ACCOUNT, "wh_1").PK),
        ("CreateContact", "PutItem", keys.counts(ACCOUNT)),
        ("CreateWebhook", "PutItem", keys.account(ACCOUNT).PK),
        ("CreateWebhook", "DeleteItem", keys.webhook(ACCOUNT, "wh_1").PK),
        ("CreateProperty", "PutItem", keys.api_key("0" * 64).PK),
        ("ListContacts", "Query", of_name(NameKind.EMAIL, "ada@example.com")),
        ("UpdateProperty", "PutItem", keys.account(ACCOUNT).PK),
        ("UpdateChannel", "PutItem", keys.account(ACCOUNT).PK),
        ("DeleteContact", "BatchGetItem", CONTACTS),
        ("RecordEvent", "UpdateItem", CONTACTS),
        ("ValidateContact", "PutItem", CONTACTS),
        ("RecordBounce", "GetItem", keys.api_key("0" * 64).PK),
        ("ProvisionAccount", "GetItem", keys.account(ACCOUNT).PK),
        ("SuspendAccount", "UpdateItem", keys.listed_api_key(ACCOUNT, "key_1").PK),
        ("ProjectChanges", "PutItem", CONTACTS),
        ("ProjectChanges", "DeleteItem", CONTACTS),
        ("ProjectChanges", "GetItem", CONTACTS),
        ("ProjectChanges", "UpdateItem", of_name(NameKind.EMAIL, "x#COUNTS")),
        ("DispatchWebhooks", "UpdateItem", CONTACTS),
        ("DispatchWebhooks", "DeleteItem", keys.tombstone(ACCOUNT, CONTACT).PK),
        ("DispatchWebhooks", "PutItem", keys.webhook(ACCOUNT, "wh_1").PK),
        ("DeliverWebhook", "GetItem", CONTACTS),
        ("DeliverWebhook", "GetItem", keys.api_key("0" * 64).PK),
        ("DeliverWebhook", "UpdateItem", keys.event(ACCOUNT, "2026-01-15T10:30:00.000Z", CONTACT).PK),
        ("DeliverWebhook", "DeleteItem", keys.webhook(ACCOUNT, "wh_1").PK),
        ("EraseContact", "BatchWriteItem", CONTACTS),
        ("EraseContact", "DeleteItem", keys.tombstone(ACCOUNT, CONTACT).PK),
        ("EraseContact", "UpdateItem", keys.webhook(ACCOUNT, "wh_1").PK),
        ("RestoreAccount", "PutItem", keys.api_key("0" * 64).PK),
        ("RestoreAccount", "PutItem", keys.event(ACCOUNT, "2026-01-15T10:30:00.000Z", CONTACT).PK),
        ("ReplayJournal", "PutItem", keys.webhook(ACCOUNT, "wh_1").PK),
        ("ReindexAccount", "PutItem", of_name(NameKind.EMAIL, "ada@example.com")),
        ("ReindexAccount", "PutItem", keys.api_key("0" * 64).PK),
        ("ShowDocs", "GetItem", keys.account(ACCOUNT).PK),
        ("CreateContact", "UpdateItem", keys.switches().PK),
        ("DeliverWebhook", "UpdateItem", keys.switches().PK),
        ("RefuseRequest", "GetItem", CONTACTS),
        ("CreateImport", "PutItem", CONTACTS),
        ("CreateImport", "PutItem", keys.export(ACCOUNT, CONTACT).PK),
        ("GetImport", "PutItem", keys.import_(ACCOUNT, CONTACT).PK),
        ("CancelImport", "PutItem", keys.tombstone(ACCOUNT, CONTACT).PK),
        ("CancelImport", "DeleteItem", keys.import_(ACCOUNT, CONTACT).PK),
        ("PlanImport", "PutItem", CONTACTS),
        ("PlanImport", "GetItem", CONTACTS),
        ("CarryOutImport", "PutItem", keys.api_key("0" * 64).PK),
        ("CarryOutImport", "PutItem", keys.webhook(ACCOUNT, "wh_1").PK),
        ("CarryOutImport", "PutItem", keys.export(ACCOUNT, CONTACT).PK),
        ("CarryOutImport", "DeleteItem", keys.import_(ACCOUNT, CONTACT).PK),
        ("CreateExport", "Query", CONTACTS),
        ("CreateExport", "PutItem", keys.tombstone(ACCOUNT, CONTACT).PK),
        ("EraseContact", "UpdateItem", keys.export(ACCOUNT, CONTACT).PK),
        ("WriteExport", "PutItem", CONTACTS),
        ("WriteExport", "PutItem", keys.import_(ACCOUNT, CONTACT).PK),
        ("ExportContact", "PutItem", CONTACTS),
        ("ExportContact", "Query", keys.api_key("0" * 64).PK),
        ("GetExport", "Query", CONTACTS),
    ],
)
def test_what_a_function_does_not_do_is_refused(function: str, action: str, partition: str) -> None:
    assert not any(statement.allows(action, [partition]) for statement in statements_of(function))


def test_one_partition_that_is_not_allowed_refuses_the_whole_call() -> None:
    statement = Statement(frozenset({"dynamodb:PutItem"}), frozenset({"Table"}), ("a#*",))
    assert statement.allows("PutItem", ["a#1", "a#2"])
    assert not statement.allows("PutItem", ["a#1", "b"])


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_a_pattern_has_nothing_of_a_caller_before_its_end(pattern: str) -> None:
    assert OWN.fullmatch(pattern)


@settings(max_examples=examples(100))
@given(
    st.text(min_size=1) | st.sampled_from([FORGED, "#USAGE", "#0", f"{ACCOUNT}#0", "a#PAGES", "\n#COUNTS"])
)
def test_a_key_of_one_kind_is_never_taken_for_another_whatever_it_is_called(text: str) -> None:
    """The text of a caller decides nothing: a key is allowed where the one with a harmless text is."""
    for made in (
        lambda text: of_name(NameKind.EMAIL, text),
        lambda text: of_name(NameKind.EXTERNAL_ID, text),
        lambda text: of_name(NameKind.ALIAS, text),
        lambda text: of_name(NameKind.GATE, f"{CONTACT}:{text}"),
        lambda text: keys.posting(ACCOUNT, ("tag", text), CONTACT).PK,
        lambda text: keys.posting(ACCOUNT, ("list", text), CONTACT).PK,
        lambda text: keys.property_name(ACCOUNT, text).PK,
        lambda text: keys.word_partition(ACCOUNT, text[0]),
    ):
        assert allowed_by(made(text)) == allowed_by(made("x"))


def allowed_by(key: str) -> set[str]:
    return {pattern for pattern in PATTERNS if matches(key, pattern)}


def test_what_follows_a_change_is_held_to_its_policies_wherever_it_is_tested() -> None:
    table = App(MotoTable().client()).projector()._store._table
    table.write_many({}, [keys.first_character(ACCOUNT, "a")])
    with pytest.raises(Lacking, match=f"^project_changes lacks GetItem on {CONTACTS}$"):
        table.get(keys.contact(ACCOUNT, CONTACT))


WHO_MAY = {
    ("PutObject", "uploads"): {"CreateImport", "GetImport"},
    ("GetObject", "uploads"): {"PlanImport"},
    ("DeleteObject", "uploads"): {"PlanImport", "CarryOutImport"},
    ("PutObject", "parts"): {"PlanImport"},
    ("GetObject", "parts"): {"CarryOutImport"},
    ("DeleteObject", "parts"): {"PlanImport", "CarryOutImport"},
    ("PutObject", "errors"): {"PlanImport", "CarryOutImport"},
    ("GetObject", "errors"): {"PlanImport", "CarryOutImport", "GetImportErrors"},
    ("DeleteObject", "errors"): {"PlanImport", "CarryOutImport", "EraseContact"},
    ("AbortMultipartUpload", "errors"): {"PlanImport", "CarryOutImport"},
    ("PutObject", "previews"): {"CarryOutImport"},
    ("GetObject", "previews"): {"CarryOutImport", "GetImport"},
    ("DeleteObject", "previews"): {"PlanImport", "CarryOutImport", "EraseContact"},
    ("PutObject", "exports"): {"WriteExport"},
    ("GetObject", "exports"): {"WriteExport", "GetExport"},
    ("DeleteObject", "exports"): {"WriteExport", "EraseContact"},
    ("AbortMultipartUpload", "exports"): {"WriteExport", "EraseContact"},
}
"""Which functions may do what with which kind of files."""


def test_each_function_may_touch_the_kinds_of_files_that_it_needs() -> None:
    found: dict[tuple[str, str], set[str]] = {}
    for function in LOGICAL_IDS.values():
        for statement in statements_of(function):
            for resource in statement.resources:
                kind = re.fullmatch(r"\$\{Files\.Arn\}/([a-z]+)/\*", resource)
                if kind is None:
                    assert "Files.Arn}" not in resource, (function, resource)
                    continue
                for action in statement.actions:
                    found.setdefault((action.removeprefix("s3:"), kind[1]), set()).add(function)
    assert found == WHO_MAY


def test_no_function_may_have_the_whole_table() -> None:
    unbound = {
        function
        for function in LOGICAL_IDS.values()
        for statement in statements_of(function)
        if statement.resources & {"Table", "${Table.Arn}/index/*"} and statement.partitions is None
    }
    assert unbound == set()


def test_policies_are_used_and_within_the_quotas() -> None:
    resources = template()["Resources"]
    used = {
        policy["Ref"]
        for function in LOGICAL_IDS.values()
        for policy in resources[function]["Properties"].get("Policies", [])
        if "Ref" in policy
    }
    assert used == {name for name, known in resources.items() if known["Type"] == "AWS::IAM::ManagedPolicy"}
    for access in template()["Mappings"]["TableAccess"].values():
        keys_of_it = access["Of"].replace("@", "ACCOUNT#" + 36 * "?")
        assert len(keys_of_it) + len("".join(access["Does"])) < MOST_CHARACTERS / 2
    for function in LOGICAL_IDS.values():
        # One more gives every function its log.
        assert len(resources[function]["Properties"].get("Policies", [])) < MOST_POLICIES
