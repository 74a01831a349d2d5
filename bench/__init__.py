"""What docs/ say about speed, measured side by side with the conventional way to build the same.

`python -m bench` (or `make bench`) runs everything and writes bench/results/; each module runs alone, too:
`python -m bench.cold_start`, `python -m bench.warm_cpu`, `python -m bench.capacity`. `bench.cost` and `bench.load`
write docs/cost.md and a part of docs/scale.md, with their charts.
"""

import sys
from pathlib import Path

# The package under measure, for those benchmarks that call it in their own process. Last, so that where a built
# layer is on the path that one counts.
sys.path.append(str(Path(__file__).resolve().parent.parent / "layers" / "contacts"))
