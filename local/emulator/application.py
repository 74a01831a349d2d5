"""MiniStack's ASGI application, with turns, and with a state that is written while it runs.

- MiniStack writes its state only when it is asked to end. Here queues and schedules, and what changed in the tables
  (journal.py), are also written while it runs, so that a crash or `kill -9` loses seconds, whatever it holds.
- It gives each concurrent invocation a process of its own, without limit. A hundred requests at once would start a
  hundred interpreters on a laptop. Here the rest wait for their turn.
- It is one thread, and answers in the order in which calls come. Here requests to the API go before the calls of an
  import and of what follows changes (turns.py).
- It ends the rest of a path at a line break.
- It hears loopback only, and containers have one of their own. Here it also hears what comes through Docker's bridge,
  from functions under `sam local invoke`; they sign with whatever keys the developer has, and each counts as root.
"""

import asyncio
import os
import re
import time

import ministack.app as ministack
from ministack.core.persistence import PERSIST_STATE, save_all
from ministack.services import apigateway, lambda_svc, sts

from local.emulator import containers, turns

# Where the API answers. Functions call the emulator as `localhost`: their calls are not taken for requests to the API.
API_HOST = "127.0.0.1"

# Deploying changes everything and is followed by a request to this path. Between deployments only data changes.
SAVE_PATH = "/_local/save"

# Written before the journal, which says how far the tables' streams were read: what was sent for a record must not be
# older than that. What is there twice after a crash is dealt with twice, as on AWS.
SENT = ("sqs", "scheduler")

# Writing blocks the emulator, so it takes at most one part in ten of the time. Full queues take the longest; a pause
# is never longer than this, so no more is ever lost.
SECONDS_BETWEEN_SAVES = (1.0, 4.0)
SAVE_SHARE = 10


class Emulator:
    """MiniStack's ASGI application with the habits above."""

    def __init__(self, application, tables):
        self.application = application
        self.tables = tables
        self.turns = turns.Turns()
        self.changed = False
        self.saver = None
        self.relay = None

    async def __call__(self, scope, receive, send):
        """Answers one request."""
        if scope["type"] != "http":
            self.hear_containers()
            return await self.application(scope, receive, send)
        if scope["path"] == SAVE_PATH:
            return await self.answer_save(send)
        self.changed = True
        if PERSIST_STATE and self.saver is None:
            self.saver = asyncio.create_task(self.save_now_and_then())
        if is_from_container(scope):
            scope = signed_by_root(scope)
        if is_api_request(scope):
            async with self.turns.of_request():
                return await self.application(scope, receive, send)
        if follower := calling_follower(scope):
            body = await whole_body(receive)
            async with self.turns.of_follower(follower):
                return await self.application(scope, body, send)
        return await self.application(scope, receive, send)

    def hear_containers(self):
        """Listens to containers from the start on (the first message of all is the server's own)."""
        if self.relay is None:
            port = int(os.environ["GATEWAY_PORT"])
            self.relay = asyncio.create_task(containers.relay(port, (API_HOST, port)))

    async def answer_save(self, send):
        """Writes everything, and answers when it is on disk."""
        if PERSIST_STATE:
            self.tables.save(ministack._build_persistence_save_dict())
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def save_now_and_then(self):
        """Writes what changed, while there are changes, and a moment longer: what follows from one comes later.

        Every DynamoDB call is one step of the event loop and so is this, so what is written is a moment in time.
        """
        shortest, longest = SECONDS_BETWEEN_SAVES
        pause, changed_before = shortest, False
        while True:
            await asyncio.sleep(pause)
            changed, self.changed = self.changed, False
            if changed or changed_before:
                started = time.monotonic()
                everything = ministack._build_persistence_save_dict()
                save_all({name: everything[name] for name in SENT if name in everything})
                self.tables.write_changes()
                pause = min(longest, max(shortest, (SAVE_SHARE - 1) * (time.monotonic() - started)))
            changed_before = changed


def is_api_request(scope) -> bool:
    """Whether a client of the API sent this, not a function or a tool that takes the emulator for AWS."""
    return addressed(scope) == API_HOST


def is_from_container(scope) -> bool:
    """Whether a function under `sam local invoke` sent this."""
    return addressed(scope) == containers.HOST


def addressed(scope) -> str:
    """The host that a request is for, without its port."""
    return header(scope, b"host").split(":")[0]


def header(scope, name: bytes) -> str:
    """The value of a request's header; empty: it has none."""
    return next((value for one, value in scope["headers"] if one == name), b"").decode("latin-1")


def calling_follower(scope) -> str | None:
    """The function that calls DynamoDB with this request, if it is one that a stream or a queue invokes.

    Calls to other services are left alone: they are few, and while one sends a file, its function may call DynamoDB.
    """
    if not header(scope, b"x-amz-target").startswith("DynamoDB_"):
        return None
    credential = re.search(r"Credential=([^/]+)/", header(scope, b"authorization"))
    return follower_of(credential[1]) if credential else None


def follower_of(access_key: str) -> str | None:
    """The function that has this key, if it is one that a stream or a queue invokes."""
    session = sts._sessions.get(access_key)
    name = session["Arn"].rpartition("/")[2] if session else None
    invoked = (
        mapping["FunctionArn"].split(":function:")[-1] for _, _, mapping in lambda_svc._iter_all_esms()
    )
    return name if name in {arn.partition(":")[0] for arn in invoked} else None


async def whole_body(receive):
    """Reads a request's body to its end. Returns an ASGI `receive` that gives the same messages again.

    The body is read before the call gets its turn, so that no other call waits for the rest of it.
    """
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    given = iter(messages)

    async def again():
        message = next(given, None)
        return await receive() if message is None else message

    return again


def signed_by_root(scope) -> dict:
    """A request with the emulator's root key in the place of the one it is signed with, which need not be known here.

    The emulator does not check a signature of root's.
    """
    headers = [
        (
            name,
            re.sub(rb"Credential=[^/]*/", b"Credential=test/", value) if name == b"authorization" else value,
        )
        for name, value in scope["headers"]
        if name != b"x-amz-security-token"
    ]
    return {**scope, "headers": headers}


def match_names_of_several_lines() -> None:
    """Let the rest of a path, `{proxy+}`, hold a line break: a name may be any text."""
    extract, stand_in = apigateway._extract_path_params, "\ue000"

    def of_several_lines(route_path, request_path):
        found = extract(route_path, request_path.replace("\n", stand_in))
        return found and {name: value.replace(stand_in, "\n") for name, value in found.items()}

    apigateway._extract_path_params = of_several_lines
