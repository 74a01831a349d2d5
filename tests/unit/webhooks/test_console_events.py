"""The console's list of events: what the API can tell endpoints of, no more and no less."""

import re

from contacts.events.model import EVERYTHING, ONLY_BY_NAME, SUBSCRIBABLE
from local.stack import ROOT

SOURCE = (ROOT / "functions/show_console/page/elements/events.js").read_text()


def test_the_console_offers_every_event_in_the_order_of_the_api() -> None:
    listed = re.search(r"EVENTS = .*?\(\{(.*?)\}\)", SOURCE, re.DOTALL)
    assert listed is not None
    assert re.findall(r'^\s*"([\w.]+)":', listed[1], re.MULTILINE) == [*SUBSCRIBABLE]


def test_the_console_knows_what_everything_does_not_include() -> None:
    assert f'EVERYTHING = "{EVERYTHING}"' in SOURCE
    listed = re.search(r"ONLY_BY_NAME = \[(.*?)\]", SOURCE)
    assert listed is not None
    assert re.findall(r'"([\w.]+)"', listed[1]) == sorted(ONLY_BY_NAME)
