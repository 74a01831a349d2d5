"""`python -m bench`: every benchmark, one after the other; the exit code is 1 if any budget was not met."""

import sys

from bench import batch, capacity, cold_start, cost, limits, load, scale, warm_cpu


def main() -> int:
    """Run them all, whatever the first one says."""
    sys.argv[1:] = []
    codes = [capacity.main(), batch.main(), limits.main(), scale.main(), cost.main(), load.main()]
    return max(*codes, warm_cpu.main(), cold_start.main())


if __name__ == "__main__":
    sys.exit(main())
