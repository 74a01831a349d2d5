"""Wiring of what judges email addresses."""

import os
import secrets

from contacts.adapters.verdict_store import DynamoVerdictStore
from contacts.bootstrap import clock, table
from contacts.observability import logger
from contacts.services.bounces import BounceRecorder
from contacts.services.email_validation import EmailValidator, Resolver


def email_validator() -> EmailValidator:
    """Judges addresses; asks the DNS where EMAIL_DNS is `on`."""
    from contacts.adapters.disposable_domains import is_disposable

    return EmailValidator(
        DynamoVerdictStore(table()), is_disposable, _resolver(), clock(), secrets.token_bytes
    )


def bounce_recorder() -> BounceRecorder:
    """Marks addresses that bounced."""
    return BounceRecorder(DynamoVerdictStore(table()), clock(), secrets.token_bytes, _bounce_of_nobody)


def _resolver() -> Resolver | None:
    if os.environ["EMAIL_DNS"] != "on":
        return None
    from contacts.adapters.dns_resolver import DnsResolver

    return DnsResolver()


def _bounce_of_nobody(ses_message_id: str) -> None:
    logger.warning("bounce of no account", extra={"ses_message_id": ses_message_id})
