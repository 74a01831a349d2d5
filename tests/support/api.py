"""The API as its users see it, over HTTP."""

from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import quote

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

MAX_THREADS = 16
"""Clients at once: enough to collide, few enough for a small machine."""
SECONDS_TO_ANSWER = 60

NO_BODY: Any = object()
TRANSPORTS: dict[str, BaseAdapter] = {}
"""What answers the requests to URLs that begin like this, in the place of the network."""


class Api:
    """The API with one key (None: with none); a context manager. Threads may share it."""

    def __init__(self, url: str, key: str | None, *, as_bearer: bool = False) -> None:
        """`url`: what every path is put behind. `as_bearer`: the key goes into the header Authorization."""
        self.url = url
        self.key = key
        self._key_header = {}
        if key is not None:
            self._key_header = {"Authorization": f"Bearer {key}"} if as_bearer else {"X-API-Key": key}
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(pool_maxsize=MAX_THREADS))
        for prefix, transport in TRANSPORTS.items():
            self._session.mount(prefix, transport)
        # Neither a proxy nor a .netrc of this machine.
        self._session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def send(
        self,
        method: str,
        path: str,
        body: Any = NO_BODY,
        *,
        raw: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request; `path` may carry a query, `raw` is sent as it is where `body` would be made JSON."""
        own: dict[str, str | bytes] = {**self._key_header}
        given = {"json": body} if body is not NO_BODY else {"data": raw}
        if raw is not None:
            own["Content-Type"] = "application/json"
        sent = {**own, **(headers or {})}
        return self._session.request(
            method, self.url + path, headers=sent, timeout=SECONDS_TO_ANSWER, **given
        )

    def get(self, path: str, **headers: str) -> requests.Response:
        """GET; a header's name is written with underscores."""
        return self.send("GET", path, headers=named(headers))

    def post(self, path: str, body: Any = NO_BODY, **headers: str) -> requests.Response:
        """POST, likewise."""
        return self.send("POST", path, body, headers=named(headers))

    def patch(self, path: str, body: Any, **headers: str) -> requests.Response:
        """PATCH, likewise."""
        return self.send("PATCH", path, body, headers=named(headers))

    def put(self, path: str, body: Any, **headers: str) -> requests.Response:
        """PUT, likewise."""
        return self.send("PUT", path, body, headers=named(headers))

    def delete(self, path: str, **headers: str) -> requests.Response:
        """DELETE, likewise."""
        return self.send("DELETE", path, headers=named(headers))

    def created(self, **fields: Any) -> dict[str, Any]:
        """A new contact with these fields, as the API answered it."""
        answer = self.post("/v1/contacts", fields)
        assert answer.status_code == 201, answer.text
        contact: dict[str, Any] = answer.json()
        return contact

    def contact(self, ref: str) -> dict[str, Any]:
        """The contact with a ref."""
        answer = self.get(path_of(ref))
        assert answer.status_code == 200, answer.text
        contact: dict[str, Any] = answer.json()
        return contact


def named(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers whose names were written as Python's keywords."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def path_of(ref: str, then: str = "") -> str:
    """The path of the contact with a ref, whatever characters that holds."""
    return f"/v1/contacts/{quote(ref, safe='')}{then}"


def assert_problem(answer: requests.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """Hold an answer against RFC 9457 and what this API adds to it; gives back the problem."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "code", "detail", "request_id"} <= set(problem)
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["X-Request-Id"] != ""
    if code is not None:
        assert problem["code"] == code, problem
    return problem


def culprits(problem: Mapping[str, Any]) -> set[str]:
    """The fields, parameters and headers a problem names."""
    return {error["field"] for error in problem.get("errors", ())} | {problem.get("field")} - {None}
