"""JSON numbers that keep their value on the way to DynamoDB and back.

DynamoDB numbers have up to 38 significant digits between ±1E-130 and ±9.99…E+125 ("Supported data types" in
its developer guide). Floats would lose digits, so a number becomes an int where it is whole, a float where
the float prints the same value, and a Decimal where neither holds it.
"""

from decimal import Decimal, InvalidOperation

MAX_DIGITS = 38
MAX_EXPONENT = 125
MIN_EXPONENT = -130

Number = int | float | Decimal


def exact_number(literal: str) -> Number:
    """The number that a JSON literal (or a DynamoDB `N`) stands for, without loss of value.

    A literal outside DynamoDB's range comes back as a Decimal that `is_storable` refuses.
    """
    if len(literal) <= MAX_DIGITS and literal.lstrip("-").isdigit():
        return int(literal)
    try:
        exact = Decimal(literal)
    except InvalidOperation:  # an exponent of more than 18 digits, which not even Decimal holds
        return Decimal("Infinity")
    if not is_storable(exact):
        return exact
    if exact == exact.to_integral_value():
        return int(exact)
    shortest = float(exact)
    return shortest if Decimal(repr(shortest)) == exact else exact


def is_storable(number: Number) -> bool:
    """Whether DynamoDB keeps the number's value."""
    if isinstance(number, int):
        if -(10**MAX_DIGITS) < number < 10**MAX_DIGITS:
            return True
        number = Decimal(number)
    exact = number if isinstance(number, Decimal) else Decimal(repr(number))
    if not exact.is_finite():
        return False
    if not exact:
        return True
    digits = "".join(map(str, exact.as_tuple().digits)).rstrip("0")
    return len(digits) <= MAX_DIGITS and MIN_EXPONENT <= exact.adjusted() <= MAX_EXPONENT
