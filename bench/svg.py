"""What the charts of benchmarks are drawn with: lines of SVG."""

from collections.abc import Sequence
from html import escape

INK, MUTED, LINE = "#1f2328", "#59636e", "#d1d9e0"


def begin(width: int, height: int, title: str, headline: str, explanation: str) -> list[str]:
    """The first lines of a chart. `title`: for readers of screens."""
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f"<title>{title}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        text(20, 30, headline, fill=INK, size=18, weight=600),
        text(20, 52, explanation),
    ]


def text(
    x: float,
    y: float,
    content: str,
    *,
    anchor: str = "start",
    fill: str = MUTED,
    size: int = 13,
    weight: int = 400,
) -> str:
    """A line of text."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" font-size="{size}" '
        f'font-weight="{weight}">{escape(content)}</text>'
    )


def polyline(points: Sequence[tuple[float, float]], colour: str, width: float = 2) -> str:
    """A line through points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>'
