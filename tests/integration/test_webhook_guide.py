"""The receiver that docs/webhooks.md shows takes what we sign and nothing else."""

import time
from collections.abc import Callable, Iterator

import pytest

from contacts.webhooks.delivery import signed_headers
from tests.support.guide_receiver import GuideReceiver, guide_receiver

SECRET = "whsec_Z3VpZGUgc2VjcmV0IG9mIHRoaXJ0eS10d28gYnl0ZXM="
OTHER_SECRET = "whsec_YW5vdGhlciBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcw=="
BODY = '{"id": "019bc0cd-0a40-7c1e-9a3b-5d0e4f2b8a01", "type": "contact.created", "data": {"name": "Zoë"}}'
EVENT_ID = "019bc0cd-0a40-7c1e-9a3b-5d0e4f2b8a01"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuideReceiver]:
    with guide_receiver(SECRET, tmp_path_factory.mktemp("receiver")) as running:
        yield running


def signed(*secrets: str, ago_s: int = 0) -> dict[str, str]:
    return signed_headers(EVENT_ID, int(time.time()) - ago_s, BODY, secrets)


def printed(receiver: GuideReceiver) -> int:
    return len(receiver.lines())


@pytest.mark.parametrize("secrets", [
    pytest.param([SECRET], id="one secret"),
    pytest.param([OTHER_SECRET, SECRET], id="the old one, after a rotation"),
    pytest.param([SECRET, OTHER_SECRET], id="the new one, after a rotation"),
])  # fmt: skip
def test_what_we_sign_is_taken(secrets: list[str], receiver: GuideReceiver) -> None:
    before = printed(receiver)
    assert receiver.post(BODY.encode(), signed(*secrets)) == 204
    assert receiver.lines()[before:] == [[EVENT_ID, "contact.created"]]


FORGED = {
    "another secret": lambda: (BODY, signed(OTHER_SECRET)),
    "another body": lambda: (BODY.replace("created", "deleted"), signed(SECRET)),
    "another id": lambda: (BODY, signed(SECRET) | {"webhook-id": EVENT_ID.replace("01", "02")}),
    "another time": lambda: (BODY, signed(SECRET) | {"webhook-timestamp": str(int(time.time()) - 2)}),
    "an hour ago": lambda: (BODY, signed(SECRET, ago_s=3600)),
    "no signature": lambda: (BODY, {}),
    "an empty signature": lambda: (BODY, signed(SECRET) | {"webhook-signature": ""}),
    "no form of a signature": lambda: (BODY, signed(SECRET) | {"webhook-signature": "letmein"}),
    "no base64": lambda: (BODY, signed(SECRET) | {"webhook-signature": "v1,%%%"}),
    "another version": lambda: (BODY, signed(SECRET) | {"webhook-signature": "v2,AAAA"}),
    "no time": lambda: (BODY, signed(SECRET) | {"webhook-timestamp": "now"}),
    "no body": lambda: ("", signed(SECRET)),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_what_others_send_is_refused(
    forged: Callable[[], tuple[str, dict[str, str]]], receiver: GuideReceiver
) -> None:
    body, headers = forged()
    before = printed(receiver)
    assert receiver.post(body.encode(), headers) == 401
    assert printed(receiver) == before


def test_what_is_no_text_is_refused(receiver: GuideReceiver) -> None:
    assert receiver.post(b"\xff\xfe", signed(SECRET)) == 401


def test_it_goes_on_after_all_that(receiver: GuideReceiver) -> None:
    assert receiver.post(BODY.encode(), signed(SECRET)) == 204
