"""Signatures of what is sent to endpoints, after Standard Webhooks."""

from collections.abc import Iterable
from datetime import UTC, datetime

from standardwebhooks import Webhook


def signed_headers(message_id: str, at_s: int, body: str, secrets: Iterable[str]) -> dict[str, str]:
    """The headers by which an endpoint can tell that a body is ours, and new.

    `message_id`: the same however often it is sent; `at_s`: seconds since the epoch, of this very attempt (endpoints
    refuse what is older than five minutes); `secrets`: all that sign, the newest first.
    """
    at = datetime.fromtimestamp(at_s, UTC)
    signatures = (Webhook(secret).sign(message_id, at, body) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(signatures),
    }
