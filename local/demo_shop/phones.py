"""Phone numbers that belong to nobody: the ranges that regulators keep free for films and books.

Where a country keeps none, people have no phone here. A number that is merely unlikely may be somebody's.
"""

from random import Random
from typing import Final, NamedTuple


class Range(NamedTuple):
    """Numbers from `first` on, `size` of them."""

    first: int
    size: int


RESERVED: Final = {
    # Ofcom, "Telephone numbers for use in TV and radio drama programmes".
    "United Kingdom": (Range(442079460000, 1000), Range(441134960000, 1000), Range(441614960000, 1000)),
    # The North American Numbering Plan keeps 555-0100 to 555-0199 free in each area.
    "United States": tuple(
        Range(int(f"1{area}5550100"), 100) for area in (212, 312, 415, 512, 206, 303, 404)
    ),
    # Bundesnetzagentur, Mitteilung 148/2021.
    "Germany": (
        Range(493023125000, 1000),
        Range(496990009000, 1000),
        Range(494066969000, 1000),
        Range(492214710000, 1000),
        Range(498999998000, 1000),
    ),
    # Arcep, plan national de numérotation, numbers for audiovisual works.
    "France": (Range(33199000000, 10_000), Range(33261910000, 10_000), Range(33353010000, 10_000)),
    # Post- och telestyrelsen, numbers for books and films.
    "Sweden": (Range(46846500400, 100), Range(46701740605, 95)),
    # ACMA, numbers for creative works.
    "Australia": (Range(61255500000, 10_000), Range(61355500000, 10_000)),
}


def phone(country: str, random: Random) -> str | None:
    """A number of the country that belongs to nobody, as E.164. None: the country has no such range."""
    ranges = RESERVED.get(country)
    if ranges is None:
        return None
    chosen = random.choice(ranges)
    return f"+{chosen.first + random.randrange(chosen.size)}"


def is_reserved(number: str) -> bool:
    """Whether a number is of one of these ranges."""
    digits = int(number.removeprefix("+"))
    return any(one.first <= digits < one.first + one.size for of in RESERVED.values() for one in of)
