"""JSON text, every number with its value."""

import json
from collections.abc import Mapping
from typing import Any


def to_json(body: Mapping[str, Any]) -> str:
    """JSON text, every number with its value."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except TypeError:
        # Only numbers that no float holds are Decimal, and only simplejson writes them digit by digit.
        import simplejson

        text: str = simplejson.dumps(
            body, ensure_ascii=False, separators=(",", ":"), use_decimal=True, allow_nan=False
        )
        return text
