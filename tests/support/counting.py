"""How much work a piece of code is, counted: the same on a busy machine as on a calm one."""

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def calls_made(work: Callable[[], Any]) -> int:
    """The functions, Python's and C's, that some work calls.

    What one C function does within itself (`json.loads`, a comparison) counts as one.
    """
    count = 0

    def profile(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before, collects = sys.getprofile(), gc.isenabled()
    # What is called when garbage is collected is no part of the work.
    gc.disable()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
    return count
