"""The files that the shop has imported besides its customers: each ends in another state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from local.demo_shop.people import COLUMNS, Person, cells, csv_of, person, taken_by_others

LEADS: Final = 300
"""Rows of the file of which a third fails."""
WRONG_EVERY: Final = 3
MISTAKEN: Final = 60
"""Customers whose plan a file has changed by mistake."""
SIGNUPS: Final = 40
KNOWN_EVERY: Final = 5
"""One in so many who sign up for the newsletter is a customer already."""
FIRST_LEAD: Final = 100_000
FIRST_SIGNUP: Final = 200_000
"""The numbers from which on people are no customers yet."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to be imported, and the state in which the import is then."""

    name: str
    content: bytes
    ends_as: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the request says besides the file's name and size."""


def customers(found: Sequence[Person]) -> File:
    """All customers."""
    return File("customers.csv", csv_of(map(cells, found)), "completed", {"mapping": COLUMNS})


def other_files(found: Sequence[Person], today: date) -> dict[str, File]:
    """The files besides the customers', each under the name of what it shows. `found`: the customers."""
    known = [one for one in found if one.external_id.startswith("C-")]
    return {
        "half wrong": _half_wrong(known, today),
        "to be undone": _mistaken(known),
        "waits for its start": _signups(known, today),
        "unreadable": File("brochure.csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n", "failed"),
    }


def _half_wrong(known: Sequence[Person], today: date) -> File:
    """Business cards that were typed in at a trade fair."""
    taken = taken_by_others()
    rows = []
    for number in range(LEADS):
        row = cells(person(FIRST_LEAD + number, today, taken)) | {
            "Customer ID": "",
            "Tags": "lead",
            "Status": "",
        }
        if number % WRONG_EVERY == WRONG_EVERY - 1:
            one, other = known[number % len(known)], known[(number + 1) % len(known)]
            mistakes = _mistakes(one, other)
            row |= mistakes[number // WRONG_EVERY % len(mistakes)]
        rows.append(row)
    options = {"mapping": COLUMNS, "add_tags": ["trade-fair"], "add_lists": ["events"]}
    return File("trade-fair-leads.csv", csv_of(rows, [*COLUMNS, "Status"]), "completed_with_errors", options)


def _mistakes(one: Person, other: Person) -> list[dict[str, str]]:
    """What is wrong with rows, each by the cells that say it. `one` and `other` are customers."""
    return [
        {"Email": "ask at the desk"},
        {"Email": ""},
        {"Email": "jörg@example.org"},
        {"Customer ID": "NULL"},
        {"Customer ID": one.external_id, "Email": other.email or ""},
        {"Phone": "020 7946 0123"},
        {"Phone": "+44 call me"},
        {"Plan": "platinum"},
        {"Seats": "a dozen"},
        {"Last order": "01/02/2026"},
        {"Status": "maybe"},
    ]


def _mistaken(known: Sequence[Person]) -> File:
    """A file that sets the plan of customers to free, whatever they pay."""
    rows = [{"Customer ID": one.external_id, "Plan": "free"} for one in known[:MISTAKEN]]
    options = {"mode": "update", "add_tags": ["plan-reset"]}
    return File("plans-by-mistake.csv", csv_of(rows, ["Customer ID", "Plan"]), "completed", options)


def _signups(known: Sequence[Person], today: date) -> File:
    """Who has signed up for the newsletter: new people, some who are known, two who mistyped their address."""
    taken = taken_by_others()
    rows = []
    for number in range(SIGNUPS):
        signed_up = (
            known[number % len(known)]
            if number % KNOWN_EVERY == 0
            else person(FIRST_SIGNUP + number, today, taken)
        )
        row = cells(signed_up) | {"Signed up with": "web form"}
        if number in (SIGNUPS // 2, SIGNUPS - 1):
            row["Email"] = row["Email"].replace("@", " at ")
        rows.append(row)
    columns = ["Email", "First name", "Last name", "Full name", "City", "Signed up with"]
    return File(
        "newsletter-signups.csv",
        csv_of(rows, columns),
        "ready",
        {"dry_run": True, "add_lists": ["newsletter"]},
    )
