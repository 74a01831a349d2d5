"""JSON numbers that keep their value on the way to DynamoDB and back.

DynamoDB numbers have up to 38 significant digits between ±1E-130 and ±9.99…E+125 ("Supported data types" in
its developer guide). Floats would lose digits, so a number becomes an int where it is whole and has no more digits
than that, a float where the float prints the same value, and a Decimal where neither holds it.

A number costs what its digits cost, whatever its exponent: 1e125 is a float, not an int of 126 digits.
"""

from decimal import Decimal, InvalidOperation

MAX_DIGITS = 38
MAX_EXPONENT = 125
MIN_EXPONENT = -130

Number = int | float | Decimal

_INT_ENDS = 10**MAX_DIGITS
_DIGITS_OF_A_FLOAT = 15
"""So many significant digits survive the way into a float and back ("DBL_DIG" in C)."""
_LONGEST_FLOAT = 24
"""Characters that Python prints of a float at most."""


def exact_number(literal: str) -> Number:
    """The number that a JSON literal (or a DynamoDB `N`) stands for, without loss of value.

    A literal outside DynamoDB's range comes back as a Decimal that `is_storable` refuses.
    """
    if len(literal) <= MAX_DIGITS and literal.lstrip("-").isdigit():
        return int(literal)
    if len(literal) <= _LONGEST_FLOAT:
        nearest = float(literal)
        size = abs(nearest)
        is_exact = len(literal) <= _DIGITS_OF_A_FLOAT or repr(nearest) == literal
        if is_exact and (1e-130 <= size < 1e15 or 1e38 <= size < 1e126):
            return int(nearest) if size < 1e15 and nearest.is_integer() else nearest
    return _exact(literal)


def _exact(literal: str) -> Number:
    try:
        exact = Decimal(literal)
    except InvalidOperation:  # an exponent of more than 18 digits, which not even Decimal holds
        return Decimal("Infinity")
    if not is_storable(exact):
        return exact
    if exact.adjusted() < MAX_DIGITS and exact == exact.to_integral_value():
        return int(exact)
    shortest = float(exact)
    return shortest if Decimal(repr(shortest)) == exact else exact


def is_storable(number: Number) -> bool:
    """Whether DynamoDB keeps the number's value."""
    if isinstance(number, int):
        if -_INT_ENDS < number < _INT_ENDS:
            return True
        number = Decimal(number)
    elif isinstance(number, float):
        # It prints 17 digits at most.
        return number == 0 or 1e-130 <= abs(number) < 1e126
    if not number.is_finite():
        return False
    if not number:
        return True
    if not MIN_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        return False
    digits = number.as_tuple().digits
    return len(digits) <= MAX_DIGITS or not any(digits[MAX_DIGITS:])
