"""Two profiles for hypothesis: "quick", the default, and "thorough", which `make test-thorough` chooses.

No test has a deadline: the time of one example says more about the machine than about the code.

The quick profile tries the same examples each time, so that a change fails for what it changes. The thorough one tries
others each time: it is there to find what nobody has thought of.
"""

from typing import Final

from hypothesis import settings

QUICK: Final = "quick"
THOROUGH: Final = "thorough"
_QUICK_SHARE: Final = 4
"""The quick profile tries one in this many of the thorough one's examples."""
_FEWEST: Final = 10


def register() -> None:
    """Register both profiles and load the quick one; `--hypothesis-profile=thorough` loads the other one."""
    settings.register_profile(QUICK, deadline=None, max_examples=40, derandomize=True)
    settings.register_profile(THOROUGH, deadline=None, max_examples=200)
    settings.load_profile(QUICK)


def is_thorough() -> bool:
    """Whether the thorough profile is loaded."""
    return settings.get_current_profile_name() == THOROUGH


def examples(thorough: int) -> int:
    """How many examples a test tries whose thorough profile tries `thorough`: a quarter, but at least ten."""
    return thorough if is_thorough() else min(thorough, max(_FEWEST, thorough // _QUICK_SHARE))
