"""One process of `bench.limits`: `python -S -m bench.limits_worker`, a task as JSON on standard input.

It has a function's environment and memory. CPU is that of the invoke alone: the init has a whole processor on Lambda.
"""

import importlib
import json
import os
import resource
import sys
import time
from typing import Any


class Context:
    """What Lambda passes beside the event."""

    aws_request_id = "00000000-0000-4000-8000-000000000000"
    function_name = "bench"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bench"

    def __init__(self, memory: int, timeout: int) -> None:
        self.memory_limit_in_mb = memory
        self._ends = time.monotonic() + timeout

    def get_remaining_time_in_millis(self) -> int:
        """Until the timeout. (This machine's clock runs slower or faster than Lambda's: CPU is what is counted.)"""
        return int((self._ends - time.monotonic()) * 1000)


def most_resident_kb() -> int:
    """The most memory this process had. (What getrusage says is the parent's, where that had more.)"""
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 (pathlib is not measured)
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def main() -> None:
    """Carry out the task: {"handler", "event", "memory" (MB), "timeout" (s)}."""
    task = json.load(sys.stdin)
    report = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # logs and metrics are written, but nowhere
    limit = task["memory"] << 20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    module, _, function = task["handler"].rpartition(".")
    handler = getattr(importlib.import_module(module), function)
    event = task.pop("event")
    began = time.process_time()
    answer: Any = handler(event, Context(task["memory"], task["timeout"]))
    took = time.process_time() - began
    body = answer.get("body") if isinstance(answer, dict) else None
    json.dump(
        {
            "cpu_s": took,
            "memory_mb": most_resident_kb() / 1024,
            "status": answer.get("statusCode", 200) if isinstance(answer, dict) else 200,
            "failed": answer.get("batchItemFailures", []) if isinstance(answer, dict) else [],
            "bytes": len(body.encode()) if body else 0,
            "beginning": (body or "")[:300],
        },
        report,
    )
    report.close()


if __name__ == "__main__":
    main()
