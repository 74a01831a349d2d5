"""`python -m bench`: every benchmark, one after the other; the exit code is 1 if any budget was not met."""

import sys

from bench import batch, capacity, cold_start, cost, dashboard, erasure, events, limits, load, scale, warm_cpu

BENCHMARKS = (capacity, batch, events, limits, scale, erasure, cost, load, dashboard, warm_cpu, cold_start)


def main() -> int:
    """Run them all, whatever the first one says."""
    sys.argv[1:] = []
    codes: list[int] = [benchmark.main() for benchmark in BENCHMARKS]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
