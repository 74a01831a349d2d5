"""The chart of `bench.load` as SVG: how far behind each of the followers is, second by second, while the load rises."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from bench import svg
from bench.svg import INK, LINE, polyline, text

COLOURS = {
    "projection": "#238b45",
    "events": "#084594",
    "deliveries": "#fd8d3c",
    "neighbour's deliveries": "#cf222e",
}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 420, 60, 20, 104, 60
STEP_S = 1.0


def chart(
    series: Mapping[str, Sequence[tuple[float, float]]], phases: Sequence[tuple[float, float, float]]
) -> str:
    """The SVG. `series`: by name, moments and lags in seconds; `phases`: changes a second, beginning, end."""
    lines = {name: list(_worst(points)) for name, points in series.items() if points}
    latest = max([phases[-1][2], *(points[-1][0] for points in lines.values())])
    most = max([1.0, *(lag for points in lines.values() for _, lag in points)]) * 1.05
    across, up = (WIDTH - LEFT - RIGHT) / latest, (HEIGHT - TOP - BOTTOM) / most
    bottom = HEIGHT - BOTTOM
    title = "How far behind what follows a change falls while one account's load rises"
    drawn = [
        *svg.begin(
            WIDTH,
            HEIGHT,
            title,
            title,
            "Seconds from a change until it was followed, the longest of each second; below, changes a second.",
        ),
        *_legend(lines),
        *_axis(most, up, bottom),
    ]
    for number, (rate, begin, end) in enumerate(phases):
        if number % 2 == 0:
            drawn.append(
                f'<rect x="{LEFT + begin * across:.1f}" y="{TOP}" width="{(end - begin) * across:.1f}" '
                f'height="{bottom - TOP}" fill="#59636e" opacity="0.08"/>'
            )
        drawn.append(
            text(LEFT + (begin + end) / 2 * across, bottom + 18, f"{rate:g}", anchor="middle", size=12)
        )
    for name, points in lines.items():
        drawn.append(polyline([(LEFT + at * across, bottom - lag * up) for at, lag in points], COLOURS[name]))
    drawn += [text(LEFT, HEIGHT - 14, "changes a second, then nothing more is sent", size=12), "</svg>"]
    return "\n".join(drawn) + "\n"


def _worst(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The longest lag of each second."""
    by_step: dict[int, float] = defaultdict(float)
    for at, lag in points:
        by_step[int(at / STEP_S)] = max(by_step[int(at / STEP_S)], lag)
    for step in sorted(by_step):
        yield (step + 0.5) * STEP_S, by_step[step]


def _legend(names: Mapping[str, object]) -> Iterator[str]:
    x = 20
    for name in names:
        yield f'<rect x="{x}" y="72" width="18" height="4" fill="{COLOURS[name]}"/>'
        yield text(x + 24, 80, name, fill=INK)
        x += 44 + 7 * len(name)


def _axis(most: float, scale: float, bottom: float) -> Iterator[str]:
    step = next(step for step in (0.5, 1, 2, 5, 10, 20, 50, 100) if most / step <= 8)
    for number in range(int(most / step) + 1):
        y = bottom - number * step * scale
        yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{LINE}"/>'
        yield text(LEFT - 8, y + 4, f"{number * step:g} s", anchor="end", size=12)
