"""`python -m bench`: every benchmark, one after the other; the exit code is 1 if any budget was not met."""

import sys

from bench import batch, capacity, cold_start, events, limits, scale, warm_cpu


def main() -> int:
    """Run them all, whatever the first one says."""
    sys.argv[1:] = []
    benchmarks = (capacity, batch, events, limits, scale, warm_cpu, cold_start)
    codes: list[int] = [benchmark.main() for benchmark in benchmarks]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
