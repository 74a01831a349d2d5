"""The chart of `bench.cost` as SVG: a bar for each operation, cut into what is paid for, and the one of before."""

from collections.abc import Iterator, Mapping

from bench.svg import INK, LINE, begin, text

TARGET = "#cf222e"
COLOURS = {
    "DynamoDB writes": "#084594",
    "DynamoDB reads": "#4292c6",
    "API Gateway": "#9ecae1",
    "Lambda": "#238b45",
    "SQS, Scheduler": "#a1d99b",
    "logs, traces": "#fd8d3c",
    "data out": "#969696",
}
"""What is paid for, from left to right."""
WIDTH, LEFT, RIGHT, TOP, BOTTOM = 900, 250, 70, 112, 52
BAR, OLD, GAP = 16, 5, 14
"""Heights of a bar, of the thin one of before, and of the space between two operations."""

Parts = Mapping[str, float]


def chart(
    now: Mapping[str, Parts], before: Mapping[str, float], targets: Mapping[str, float], version: str
) -> str:
    """The SVG. `now`: US dollars a million by operation and part; `before`: in all; `targets`: by operation."""
    group = BAR + OLD + GAP
    height = TOP + group * len(now) + BOTTOM
    most = (
        max([*(sum(parts.values()) for parts in now.values()), *(before.get(name, 0) for name in now)]) * 1.02
    )
    scale = (WIDTH - LEFT - RIGHT) / most
    title = "What a million of each costs, with all that follows"
    lines = [
        *begin(
            WIDTH,
            height,
            title,
            title,
            f"US dollars at list prices. The thin bar: at {version}. The red mark: the target.",
        ),
        *_legend(),
        *_axis(most, scale, height - BOTTOM),
    ]
    for number, (name, parts) in enumerate(now.items()):
        top = TOP + number * group + GAP / 2
        lines.append(text(LEFT - 12, top + OLD + BAR / 2 + 4, name, anchor="end", fill=INK))
        if name in before:
            lines.append(_bar(LEFT, top, before[name] * scale, OLD - 1, "#d0d7de"))
        x = float(LEFT)
        for part, colour in COLOURS.items():
            width = parts.get(part, 0.0) * scale
            lines.append(_bar(x, top + OLD, width, BAR, colour))
            x += width
        whole = sum(parts.values())
        lines.append(text(x + 5, top + OLD + BAR - 4, f"{whole:.2f}", size=11))
        if name in targets:
            lines.append(_bar(LEFT + targets[name] * scale - 1, top - 2, 2, BAR + OLD + 4, TARGET))
    lines += [text(LEFT, height - 14, "US dollars for a million", size=12), "</svg>"]
    return "\n".join(lines) + "\n"


def _legend() -> Iterator[str]:
    x = 20
    for part, colour in COLOURS.items():
        yield _bar(x, 70, 12, 12, colour)
        yield text(x + 18, 81, part, fill=INK)
        x += 40 + int(7.2 * len(part))


def _axis(most: float, scale: float, bottom: float) -> Iterator[str]:
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 500, 1000) if most / step <= 12)
    for usd in range(0, int(most) + 1, step):
        x = LEFT + usd * scale
        yield f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" stroke="{LINE}"/>'
        yield text(x, bottom + 18, f"{usd}", anchor="middle", size=12)


def _bar(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:g}" fill="{fill}"/>'
