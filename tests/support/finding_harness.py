"""An account whose contacts are to be found: written through the API, projected, and filtered in plain Python."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.support.app import Reply
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.in_process_api import InProcessApi
from tests.support.moto_table import MotoTable
from tests.support.projection_harness import Projection
from tests.support.streams import Tape, about_contacts

ACCOUNT = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"
NAMES = ["José Jo", "Jo", "John Łuk", "jo-ann", "Иван Jo", "Ada", "Jörg jo", None]
SORTS = [
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "email",
    "-email",
    "external_id",
    "-external_id",
]
Json = dict[str, Any]
Query = Mapping[str, Any]


class FindingHarness:
    """One account, its API, and the projection, which runs when it is told to."""

    def __init__(self) -> None:
        self.table = MotoTable()
        self.clock = FakeClock()
        self.api = InProcessApi(self.table.client(), ACCOUNT, self.clock, CountingBytes())
        self._tape = Tape(self.table)
        self._projection = Projection(self.table.client())
        self._records: list[Any] = []

    def create(self, **given: object) -> str:
        """A contact's id."""
        made = self.api.request(
            "POST", body={key: value for key, value in given.items() if value is not None}
        )
        assert made.status == 201, made.body
        self._note()
        return str(made.body["id"])

    def change(self, contact_id: str, **given: object) -> None:
        changed = self.api.request("PATCH", "/v1/contacts/{ref}", contact_id, body=given)
        assert changed.status == 200, changed.body
        self._note()

    def delete(self, contact_id: str) -> None:
        assert self.api.request("DELETE", "/v1/contacts/{ref}", contact_id).status == 200
        self._note()

    def project(self) -> None:
        """Have the projection catch up."""
        if self._records:
            self._projection.take_all([self._records])
        self._records = []
        self._tape = Tape(self.table)

    def _note(self) -> None:
        self._records += about_contacts(self._tape.taken(self.clock.at_ms / 1000))

    def contacts(self) -> list[Json]:
        """Every contact, as the API shows it."""
        return [contact for page in self.pages({"limit": "100"}) for contact in page["data"]]

    def ask(self, query: Query, route: str = "/v1/contacts") -> Reply:
        return self.api.request("GET", route, query={key: _text(value) for key, value in query.items()})

    def pages(
        self,
        query: Query,
        route: str = "/v1/contacts",
        *,
        by_offset: bool = False,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Iterator[Json]:
        """Every page of a list or of a search; `meanwhile` happens between them."""
        where: Json = {"offset": 0} if by_offset else {}
        for _ in range(500):
            reply = self.ask({**query, **where}, route)
            assert reply.status == 200, reply.body
            page = reply.body
            assert page["has_more"] == (page["next_cursor"] is not None)
            yield page
            if not page["has_more"]:
                return
            if by_offset and page["data"]:
                where = {"offset": where.get("offset", 0) + len(page["data"])}
            elif by_offset:
                where = {"cursor": page["next_cursor"]}  # So sparse that a request finds nothing.
                by_offset = False
            else:
                where = {"cursor": page["next_cursor"]}
            meanwhile()
        raise AssertionError("a walk without end")


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return [_text(one) for one in value] if isinstance(value, list) else str(value)


# The same in plain Python


def matches(contact: Json, query: Query) -> bool:
    """Whether a contact, as the API shows it, is what a query asks for."""
    fields = ("is_active", "is_unsubscribed", "validation_status", "email", "external_id", "phone")
    return (
        all(contact[field] == query[field] for field in fields if field in query)
        and all(tag in contact["tags"] for tag in query.get("tag", ()))
        and all(slug in contact["lists"] for slug in query.get("list", ()))
        and query.get("created_after", "") <= contact["created_at"] < query.get("created_before", "9")
        and query.get("updated_after", "") <= contact["updated_at"] < query.get("updated_before", "9")
        and all(
            _begins(asked, contact) or all(_begins(part, contact) for part in asked.split("-"))
            for asked in _asked(query)
        )
    )


def _asked(query: Query) -> list[str]:
    """The words of a query. One with a hyphen may be several."""
    return re.split(r"[\s,]+", _plain(query.get("search", query.get("q", ""))))


def _begins(text: str, contact: Json) -> bool:
    """Whether a text begins a word of a contact, or ends its phone."""
    ends_phone = text.isdigit() and len(text) >= 4 and (contact["phone"] or "").endswith(text)
    return ends_phone or any(word.startswith(text) for word in words(contact))


def is_exact(contact: Json, query: Query) -> bool:
    """Whether every word of a search is a whole word of a contact."""
    own = words(contact) | {(contact["phone"] or "")[1:]}
    return all(asked in own or set(asked.split("-")) <= own for asked in _asked(query))


def in_order(contacts: list[Json], sort: str) -> list[Json]:
    """Contacts as a list sorts them: those without the field last, equals by their ids."""
    field, is_descending = sort.removeprefix("-"), sort.startswith("-")
    having = [contact for contact in contacts if contact[field] is not None]
    lacking = [contact for contact in contacts if contact[field] is None]
    having.sort(key=lambda contact: (contact[field], contact["id"]), reverse=is_descending)
    lacking.sort(key=lambda contact: contact["id"], reverse=is_descending)
    return having + lacking


def words(contact: Json) -> set[str]:
    """The words of a contact, for the simple names that these tests use."""
    email, external_id = _plain(contact["email"] or ""), _plain(contact["external_id"] or "")
    names = _plain(" ".join(filter(None, (contact["name"], contact["first_name"], contact["last_name"]))))
    local, _, domain = email.rpartition("@")
    found = {email, domain, *re.split(r"[.+_-]+", local), *external_id.split()}
    for word in names.split():
        found |= {re.sub(r"[^\w]+", "", word), *re.split(r"[^\w]+", word)}
    return found - {""}


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))
