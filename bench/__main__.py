"""`python -m bench`: every benchmark, one after the other; the exit code is 1 if any budget was not met."""

import sys

from bench import batch, capacity, cold_start, erasure, limits, scale, warm_cpu


def main() -> int:
    """Run them all, whatever the first one says."""
    sys.argv[1:] = []
    first = max(capacity.main(), batch.main(), limits.main(), scale.main(), erasure.main())
    return max(first, warm_cpu.main(), cold_start.main())


if __name__ == "__main__":
    sys.exit(main())
