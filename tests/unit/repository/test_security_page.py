"""docs/security.md says what the code and the template do."""

import re
from typing import Any

import pytest

from contacts.accounts.store import REVOKED_DAYS, USAGE_DAYS
from contacts.book.model import TOMBSTONE_DAYS, TRASH_DAYS
from contacts.core.time import DAY
from contacts.events.model import IN_TIMELINE_DAYS, KEPT_DAYS
from contacts.exports import model as exports
from contacts.imports import model as imports
from contacts.table import records
from contacts.webhooks.model import DELIVERIES_KEPT_DAYS, LONGEST_ATTEMPT, RESPONSE_KEPT, WAITING_KEPT
from contacts.webhooks.sender import PATIENCE
from local.stack import ROOT
from local.template import functions, template
from tests.support.permissions import statements_of

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
KEPT = {
    "trash": TRASH_DAYS,
    "tombstone of an erased contact (ids alone)": TOMBSTONE_DAYS,
    "idempotency record and pointer": records.KEPT_DAYS,
    "event": KEPT_DAYS,
    "timeline entry, custom events": IN_TIMELINE_DAYS,
    "delivery with up to 1 KB of each answer": DELIVERIES_KEPT_DAYS,
    "delivery that waits": WAITING_KEPT // DAY,
    "revoked key (its hash)": REVOKED_DAYS,
    "usage of an hour": USAGE_DAYS,
    "messages of queues": 14,
    "logs (`LogRetentionDays`)": template()["Parameters"]["LogRetentionDays"]["Default"],
}


def resources(kind: str) -> dict[str, Any]:
    found = template()["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in found if resource["Type"] == kind}


@pytest.mark.parametrize("what", KEPT)
def test_what_is_kept_is_kept_so_long(what: str) -> None:
    assert f"\n| {what} | {KEPT[what]} |\n" in PAGE


def test_messages_are_kept_for_14_days_and_encrypted() -> None:
    for name, queue in resources("AWS::SQS::Queue").items():
        assert queue["MessageRetentionPeriod"] == 14 * DAY, name
        assert queue["SqsManagedSseEnabled"] is True, name


def test_every_kind_of_item_that_expires_is_on_the_page() -> None:
    """The rows of docs/data-model.md that live for some days or an hour, by a word that both pages use."""
    model = (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8").split("What is in them")[1]
    rows = re.findall(r"^\| ([^|]+) \| .+ \| ([^|]+) \|$", model.split("## Indexes")[0], re.MULTILINE)
    expiring = {item for item, lives in rows if re.search(r"\d+ (day|hour)|a year", lives)}
    assert expiring == {
        "API key",  # revoked
        "claim",  # in the trash
        "usage",
        "trash",
        "tombstone",
        "idempotency record",
        "its pointer",
        "timeline entry",
        "event",
        "page bookmark",
        "delivery",
        "delivery that waits",
        "import",
        "export",
        "verdict on a domain",
    }
    kept = PAGE.split("## What is kept how long")[1].split("\n## ")[0]
    words = (
        "trash",
        "tombstone",
        "idempotency",
        "pointer",
        "event",
        "timeline",
        "usage",
        "revoked key",
        "page bookmark",
    )
    assert [word for word in (*words, "delivery that waits", "verdict on a domain") if word not in kept] == []


def test_each_function_is_of_one_kind() -> None:
    table = PAGE.split("| kind | functions |")[1].split("\n\n")[0]
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", table, re.MULTILINE))
    named = {kind: set(re.findall(r"`(\w+)`", listed)) for kind, listed in rows.items()}
    read = {
        mapping["FunctionName"]["Ref"].removesuffix(".Alias")
        for mapping in resources("AWS::Lambda::EventSourceMapping").values()
    }
    by_topic = {
        name
        for name, function in resources("AWS::Serverless::Function").items()
        if any(event["Type"] == "SNS" for event in function.get("Events", {}).values())
    }
    without = {one.name: one.logical_id for one in functions() if not one.routes}
    without.pop("refuse_request", None)
    following = {name for name, logical_id in without.items() if logical_id in read | by_topic}
    assert named["following a change"] == following
    assert named["for operators"] == without.keys() - following
    assert named["pages"] == {"show_docs", "show_console"}
    for name in ("ShowDocs", "ShowConsole"):
        assert "Policies" not in resources("AWS::Serverless::Function")[name]


def test_the_bounds_of_an_attempt_at_a_webhook() -> None:
    assert (LONGEST_ATTEMPT, PATIENCE, RESPONSE_KEPT) == (15, 3, 1024)
    assert "15 seconds for all, 3 for the resolver, 1 KB of the answer is kept" in PAGE


def test_what_functions_of_callers_may_besides_the_table_is_on_the_page() -> None:
    """Two send to the delivery queue, three to those of imports, one to that of exports; four sign URLs of files."""
    sending: dict[str, set[str]] = {}
    for one in functions():
        for statement in statements_of(one.logical_id) if one.routes else ():
            for action in statement.actions:
                if not action.startswith("dynamodb:"):
                    sending.setdefault(action.partition(":")[0], set()).add(one.name)
                    for resource in statement.resources if action == "sqs:SendMessage" else ():
                        sending.setdefault(resource, set()).add(one.name)
    assert sending["DeliveryQueue"] == {"test_webhook", "redeliver_delivery"}
    assert sending["ImportQueue"] | sending["ImportFileQueue"] == {
        "start_import",
        "cancel_import",
        "undo_import",
    }
    assert sending["ExportQueue"] == {"create_export"}
    assert sending["s3"] == {"create_import", "get_import", "get_import_errors", "get_export"}
    assert sending.keys() == {"sqs", "s3", "DeliveryQueue", "ImportQueue", "ImportFileQueue", "ExportQueue"}


def test_a_browser_may_send_and_fetch_files_by_signed_urls() -> None:
    (rule,) = resources("AWS::S3::Bucket")["Files"]["CorsConfiguration"]["CorsRules"]
    # An upload of the console is a PUT with the file's Content-Type. What may be done with which file, the URL says.
    assert set(rule["AllowedMethods"]) == {"PUT", "GET"}
    assert (rule["AllowedHeaders"], rule["AllowedOrigins"]) == (["*"], ["*"])


def test_files_go_as_the_page_says_and_an_import_has_its_own_as_long_as_its_item_lives() -> None:
    rules = resources("AWS::S3::Bucket")["Files"]["LifecycleConfiguration"]["Rules"]
    days = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}
    assert days == {
        "uploads/": imports.FILE_KEPT_DAYS,
        "parts/": imports.FILE_KEPT_DAYS,
        "errors/": imports.UNDO_WITHIN_DAYS,
        "previews/": 2,
        "exports/": 2,
    }
    # An export may begin to write a day after it was made: an erasure looks for its file as long as it may be there.
    assert 1 + days["exports/"] + 1 == exports.FILES_GONE_DAYS
    for row in (
        f"file to be imported, and its parts | until the import has ended, at most {days['parts/']}",
        f"rows that failed, as a file | {days['errors/']}",
        # A rule of S3 counts whole days: it deletes at the midnight (UTC) after so many of them.
        f"file of an export | 1 at its URL; in the bucket at most {days['exports/'] + 1}",
        f"preview of a dry run | until the import has ended, at most {days['previews/'] + 1}",
    ):
        assert f"\n| {row} |\n" in PAGE


def test_point_in_time_recovery_is_on() -> None:
    (table,) = resources("AWS::DynamoDB::Table").values()
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert "\n| point-in-time recovery | 35 |\n" in PAGE


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGE):
        assert (ROOT / "docs" / target).resolve().exists(), target
