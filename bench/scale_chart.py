"""The chart of `bench.scale` as SVG: a bar for each query and size of account. Equal bars: size makes no difference."""

from collections.abc import Iterator, Mapping, Sequence

from bench.svg import INK, LINE, begin, text

COLOURS = ("#9ecae1", "#4292c6", "#084594")
"""From the smallest account to the largest."""
LIMIT = "#cf222e"
LEFT, RIGHT, TOP, BOTTOM = 330, 60, 104, 56
WIDTH = 900
BAR, GAP = 9, 14
"""Heights of a bar, and of the space between two queries."""


def chart(reads: Mapping[str, Sequence[float]], sizes: Sequence[int], budgets: Mapping[str, float]) -> str:
    """The SVG. `reads`: by query, the read units at each size; `budgets`: by query, the most that a page may take."""
    group = BAR * len(sizes) + GAP
    height = TOP + group * len(reads) + BOTTOM
    most = max(max(*figures, budgets[name]) for name, figures in reads.items()) * 1.02
    scale = (WIDTH - LEFT - RIGHT) / most
    bottom = height - BOTTOM
    lines = [
        *begin(
            WIDTH,
            height,
            "Read units of a page of 50 contacts, by the size of the account",
            "A page costs what a page costs, however many contacts there are",
            "DynamoDB read units for a page of 50. Bars of equal length: size makes no difference.",
        ),
        *_legend(sizes),
        *_axis(most, scale, bottom),
    ]
    for number, (name, figures) in enumerate(reads.items()):
        top = TOP + number * group + GAP / 2
        lines.append(text(LEFT - 12, top + BAR * len(sizes) / 2 + 4, name, anchor="end", fill=INK))
        for position, units in enumerate(figures):
            y = top + position * BAR
            lines.append(
                f'<rect x="{LEFT}" y="{y:g}" width="{units * scale:.1f}" height="{BAR - 1}" '
                f'fill="{_colour(position, len(sizes))}"/>'
            )
            lines.append(text(LEFT + units * scale + 5, y + BAR - 1, f"{units:g}", size=9))
        x = LEFT + budgets[name] * scale
        lines.append(_budget_mark(x, top - 3, BAR * len(sizes) + 5))
    lines += [
        text(LEFT, height - 16, "read units (one: 4 KB read consistently, or 8 KB eventually)", size=12),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _legend(sizes: Sequence[int]) -> Iterator[str]:
    x = 20
    for position, size in enumerate(sizes):
        yield f'<rect x="{x}" y="66" width="12" height="12" fill="{_colour(position, len(sizes))}"/>'
        label = f"{size:,} contacts"
        yield text(x + 18, 77, label, fill=INK)
        x += 40 + 8 * len(label)
    yield _budget_mark(x, 65, 14)
    yield text(x + 8, 77, "the most it may take", fill=INK)


def _budget_mark(x: float, top: float, height: float) -> str:
    return f'<rect x="{x - 1:.1f}" y="{top:g}" width="2" height="{height:g}" fill="{LIMIT}"/>'


def _axis(most: float, scale: float, bottom: float) -> Iterator[str]:
    step = next(step for step in (5, 10, 20, 50, 100, 500) if most / step <= 10)
    for units in range(0, int(most) + 1, step):
        x = LEFT + units * scale
        yield f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" stroke="{LINE}"/>'
        yield text(x, bottom + 18, f"{units}", anchor="middle", size=12)


def _colour(position: int, of: int) -> str:
    return COLOURS[round(position * (len(COLOURS) - 1) / max(of - 1, 1))]
