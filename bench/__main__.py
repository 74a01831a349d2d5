"""`python -m bench`: every benchmark, one after the other; the exit code is 1 if any budget was not met."""

import sys

from bench import capacity, cold_start, warm_cpu


def main() -> int:
    """Run them all, whatever the first one says."""
    sys.argv[1:] = []
    return max(benchmark.main() for benchmark in (capacity, warm_cpu, cold_start))


if __name__ == "__main__":
    sys.exit(main())
