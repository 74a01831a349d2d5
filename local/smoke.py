"""`python -m local.smoke URL [KEY]`: what `make smoke URL=… KEY=…` runs, against `make run` or a deployed stage.

It does with one contact of its own what callers do, and says a line for each step. Whatever happens, it deletes the
contact for good. The standard library is all that it needs.

The account is best one for this alone: its webhooks are told of the contact, and its timeline is what is looked at.
"""

import argparse
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

LONGEST_ANSWER_S = 30
LONGEST_WAIT_S = 60
"""How long what follows a change may take: the projection, the timeline."""

Json = dict[str, Any]


class Failed(Exception):
    """Raised where the API does not do what it has to; the message says what came instead."""


class Answer(NamedTuple):
    """What the API answered; `headers` by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: Json


@dataclass
class Api:
    """The API at `url`, asked with `key`."""

    url: str
    key: str

    def ask(
        self, method: str, path: str, body: Json | None = None, *, key: str | None = None, **headers: str
    ) -> Answer:
        """The answer to a request. `key`: another one than the API's; `headers`: with `_` for `-`.

        Raises:
            Failed: there is no answer, or no JSON in it.
        """
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"X-API-Key": self.key if key is None else key, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url.rstrip('/')}{path}", data=data, headers=sent, method=method)
        try:
            with urlopen(request, timeout=LONGEST_ANSWER_S) as answer:
                return _read(answer.status, answer.headers, answer.read())
        except HTTPError as error:
            return _read(error.code, error.headers, error.read())
        except (OSError, HTTPException, ValueError) as error:
            raise Failed(f"{method} {path} has no answer: {error}") from error

    def expect(self, status: int, method: str, path: str, body: Json | None = None, **more: str) -> Answer:
        """As `ask`.

        Raises:
            Failed: the status is another one.
        """
        answer = self.ask(method, path, body, **more)
        if answer.status != status:
            said = answer.body.get("code") or answer.body.get("message") or "no code"
            raise Failed(f"{method} {path} answers {answer.status} ({said}), not {status}")
        return answer


def _read(status: int, headers: Any, data: bytes) -> Answer:
    try:
        body = json.loads(data or b"{}")
    except ValueError:
        raise Failed(f"an answer with status {status} is no JSON: is this the address of the API?") from None
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body)


@dataclass
class SmokeTest:
    """One run. `say` gets a line for each step, `wait` the seconds to let pass before looking again."""

    api: Api
    say: Callable[[str], None] = print
    wait: Callable[[float], None] = time.sleep
    name: str = field(default_factory=lambda: f"smoke-{secrets.token_hex(8)}")
    """What the contact is known by: its external id, its tag, and the beginning of its email."""
    contact_id: str | None = None

    @property
    def email(self) -> str:
        """The contact's email."""
        return f"{self.name}@example.com"

    def run(self) -> bool:
        """Take every step until one fails, then remove the contact. Returns whether all is well."""
        is_well = self.takes(self.steps())
        return self.takes(self.last_steps()) and is_well

    def takes(self, steps: Iterator[tuple[str, Callable[[], None]]]) -> bool:
        """Whether all of these steps succeed. None is taken after one that fails."""
        for says, step in steps:
            began = time.monotonic()
            try:
                step()
            except Failed as failed:
                self.say(f"FAILED  {says}: {failed}")
                return False
            self.say(f"ok      {says} ({(time.monotonic() - began) * 1000:.0f} ms)")
        return True

    def steps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """The steps with what each shows."""
        yield "a request without a key is refused", self.refuse_strangers
        yield "a contact that does not exist is not found", self.miss
        yield "a contact is created", self.create
        yield "the same request again gets the same answer", self.repeat
        yield "its names are taken", self.refuse_duplicate
        yield "it is read by id, email and external id", self.read
        yield "it is updated", self.update
        yield "an update of an older version is refused", self.refuse_old_version
        yield "it is unsubscribed, and subscribed again", self.unsubscribe
        yield "it is listed by its tag", self.list_by_tag
        yield "it is found by a word", self.search
        yield "its timeline tells of its changes", self.see_timeline
        yield "it is deleted, and brought back", self.delete_and_restore

    def last_steps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """What removes the contact, whatever has happened before."""
        yield "it is deleted for good", self.erase

    def refuse_strangers(self) -> None:
        """401 in our words, with the headers that every answer has."""
        answer = self.api.expect(401, "GET", "/v1/contacts", key="")
        _hold("content-type", answer.headers.get("content-type"), "application/problem+json")
        _hold("cache-control", answer.headers.get("cache-control"), "no-store")
        for name in ("x-request-id", "strict-transport-security", "www-authenticate"):
            if not answer.headers.get(name):
                raise Failed(f"a 401 lacks the header {name}")

    def miss(self) -> None:
        """404 with its code."""
        answer = self.api.expect(404, "GET", f"/v1/contacts/{self.name}")
        _hold("code", answer.body.get("code"), "contact_not_found")

    def create(self) -> None:
        """201 with Location and ETag. A key of test mode keeps nothing, so it is refused."""
        answer = self._create()
        if answer.body.get("test_mode"):
            raise Failed("the key is one of test mode: nothing would be kept")
        self.contact_id = str(answer.body["id"])
        for name in ("etag", "location"):
            if not answer.headers.get(name):
                raise Failed(f"a 201 lacks the header {name}")

    def _create(self) -> Answer:
        wanted = {"email": self.email, "external_id": self.name, "name": "Smoke Test", "tags": [self.name]}
        return self.api.expect(201, "POST", "/v1/contacts", wanted, Idempotency_Key=self.name)

    def repeat(self) -> None:
        """The record of the Idempotency-Key answers."""
        answer = self._create()
        _hold("id", answer.body.get("id"), self.contact_id)
        _hold("idempotent-replayed", answer.headers.get("idempotent-replayed"), "true")

    def refuse_duplicate(self) -> None:
        """409 that says who is in the way."""
        answer = self.api.expect(409, "POST", "/v1/contacts", {"email": self.email})
        _hold("existing_id", answer.body.get("existing_id"), self.contact_id)

    def read(self) -> None:
        """By each of its names, at once."""
        for name in (self.contact_id, self.email, self.name):
            _hold("id", self.api.expect(200, "GET", f"/v1/contacts/{name}").body.get("id"), self.contact_id)

    def update(self) -> None:
        """A field changes, and is read."""
        self.api.expect(200, "PATCH", f"/v1/contacts/{self.contact_id}", {"name": "Smoke Tested"})
        _hold("name", self._contact().get("name"), "Smoke Tested")

    def refuse_old_version(self) -> None:
        """412 where If-Match is of before."""
        path = f"/v1/contacts/{self.contact_id}"
        self.api.expect(412, "PATCH", path, {"name": "Too late"}, If_Match='"1"')
        _hold("name", self._contact().get("name"), "Smoke Tested")

    def unsubscribe(self) -> None:
        """The opt-out is lifted by an explicit word, so that the address leaves none behind."""
        for is_unsubscribed in (True, False):
            body = {"is_unsubscribed": is_unsubscribed}
            self.api.expect(200, "PATCH", f"/v1/contacts/{self.contact_id}", body)
            _hold("is_unsubscribed", self._contact().get("is_unsubscribed"), is_unsubscribed)

    def list_by_tag(self) -> None:
        """What follows a change: postings."""
        self._see(f"/v1/contacts?tag={self.name}", lambda item: item.get("id") == self.contact_id)

    def search(self) -> None:
        """What follows a change: words."""
        self._see(f"/v1/contacts/search?q={self.name}", lambda item: item.get("id") == self.contact_id)

    def see_timeline(self) -> None:
        """What follows a change: events."""
        for kind in ("contact.created", "contact.updated", "contact.unsubscribed"):
            path = f"/v1/contacts/{self.contact_id}/events?type={kind}"
            self._see(path, lambda item, kind=kind: item.get("type") == kind)  # type: ignore[misc]

    def delete_and_restore(self) -> None:
        """To the trash and back, with the same id."""
        path = f"/v1/contacts/{self.contact_id}"
        self.api.expect(200, "DELETE", path)
        self.api.expect(404, "GET", path)
        _hold("id", self.api.expect(200, "POST", f"{path}/restore", {}).body.get("id"), self.contact_id)

    def erase(self) -> None:
        """No name of it leads anywhere any more. A contact that was never created is gone as well."""
        self.api.ask("DELETE", f"/v1/contacts/{self.name}?permanent=true")
        if self.contact_id is not None:
            # In the trash it has no name but its id.
            self.api.ask("DELETE", f"/v1/contacts/{self.contact_id}?permanent=true")
        for name in filter(None, (self.contact_id, self.email, self.name)):
            self.api.expect(404, "GET", f"/v1/contacts/{name}")

    def _contact(self) -> Json:
        return self.api.expect(200, "GET", f"/v1/contacts/{self.contact_id}").body

    def _see(self, path: str, is_it: Callable[[Json], bool]) -> None:
        """Look until a page has what is looked for.

        Raises:
            Failed: it has not after `LONGEST_WAIT_S`.
        """
        pause, waited = 0.25, 0.0
        while not any(is_it(item) for item in self.api.expect(200, "GET", path).body["data"]):
            if waited >= LONGEST_WAIT_S:
                raise Failed(f"GET {path} does not show it after {LONGEST_WAIT_S} s")
            self.wait(pause)
            waited, pause = waited + pause, min(2 * pause, 4.0)


def _hold(what: str, found: object, wanted: object) -> None:
    """
    Raises:
        Failed: the two differ.
    """
    if found != wanted:
        raise Failed(f"{what} is {found!r}, not {wanted!r}")


@contextmanager
def _told_to_end() -> Iterator[None]:
    """SIGTERM ends the run like Ctrl-C: what is to be removed is removed."""
    import signal

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 only where all is well."""
    parser = argparse.ArgumentParser(prog="python -m local.smoke", description="Try out a running API.")
    parser.add_argument("url", help="where the API answers: http://127.0.0.1:4566, or the output ApiUrl")
    parser.add_argument("key", nargs="?", default=os.environ.get("KEY"), help="an API key; default: $KEY")
    given = parser.parse_args(arguments)
    if not given.url.startswith(("http://", "https://")):
        parser.error(f"{given.url} is no URL: it begins with https:// (of the local stack with http://)")
    if not given.key:
        parser.error("an API key is needed: as the second argument, or in the variable KEY")
    test = SmokeTest(Api(given.url, given.key))
    with _told_to_end():
        try:
            return 0 if test.run() else 1
        except KeyboardInterrupt:
            test.takes(test.last_steps())
            return 130


if __name__ == "__main__":
    sys.exit(main())
