"""Hours of use that nobody had, for pictures alone: a chart of an account that was made a minute ago has one bar.

`make demo` does not call this. The hours go into the table itself, past the API, which counts what happens and takes no
word for it.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from contacts.core.time import DAY, hour_of
from contacts.table import keys
from contacts.table.client import Table

DAYS: Final = 14
BUSY_AT: Final = (0, 0, 0, 0, 0, 1, 2, 4, 8, 14, 16, 15, 11, 13, 16, 15, 12, 8, 5, 4, 3, 2, 1, 0)
"""How busy each hour of a day is, in UTC, compared to the others."""
WEEKEND: Final = 0.25
NIGHTLY_AT: Final = 2
"""The hour in which a nightly import writes much with few requests."""


def invented_hours(now: datetime, days: int = DAYS) -> dict[str, tuple[int, int]]:
    """Requests and written items by hour, as `2026-01-15T10`, before the hour of `now`; hours without are left out."""
    hours = {}
    begins = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for back in range(1, days * 24 + 1):
        at = begins - timedelta(hours=back)
        random = Random(f"usage {at:%Y-%m-%dT%H}")
        requests = round(BUSY_AT[at.hour] * (WEEKEND if at.weekday() >= 5 else 1) * random.uniform(20, 34))
        written = round(requests * random.uniform(0.2, 0.4))
        if at.hour == NIGHTLY_AT:
            requests, written = random.randint(4, 9), random.randint(900, 1400)
        if requests:
            hours[hour_of(round(at.timestamp() * 1000))] = (requests, written)
    return hours


def invent_usage(client: Any, table_name: str, account_id: str, now: datetime) -> None:
    """Put invented hours into the table of a local stack. The hour of `now` stays as the meter counts it.

    `client`: botocore's client of DynamoDB.
    """
    kept = round(now.timestamp()) + 31 * DAY
    Table(client, table_name).write_many(
        {
            keys.usage(account_id, hour): {"used": requests, "written": written, "ttl": kept}
            for hour, (requests, written) in invented_hours(now).items()
        }
    )
