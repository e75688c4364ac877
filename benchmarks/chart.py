"""Pairs of horizontal bars as SVG: the same figures give the same bytes. For `report.py`."""

from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 760, 190, 120
PAIR, BAR, TOP = 52, 17, 44
HERE, BESIDE, GOAL = "#1f6f8b", "#b9c3c9", "#c0392b"
STYLE = "text{font:13px system-ui,sans-serif;fill:#24292e}.small{font-size:11px}"


@dataclass(frozen=True)
class Bars:
    """Two figures to be compared, how much of the second the first is, and how much it should be."""

    title: str
    here: float
    beside: float
    ratio: float
    goal: float | None = None


def svg(pairs: list[Bars], *, of: str, beside: str) -> str:
    """A chart of requests a second; a red line marks each goal."""
    highest = max(max(pair.here, pair.beside) for pair in pairs)
    height = TOP + PAIR * len(pairs)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>Requests a second: {escape(of)} beside {escape(beside)}</title>",
        f'<style>{STYLE}</style><rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        _rect(LEFT, 14, 12, 12, HERE) + _text(LEFT + 18, 25, of),
        _rect(LEFT + 130, 14, 12, 12, BESIDE) + _text(LEFT + 148, 25, beside),
        _rect(LEFT + 290, 14, 3, 12, GOAL) + _text(LEFT + 300, 25, "goal"),
    ]
    for number, pair in enumerate(pairs):
        parts += _pair(pair, TOP + PAIR * number, (WIDTH - LEFT - RIGHT) / highest)
    return "\n".join([*parts, "</svg>", ""])


def _pair(pair: Bars, top: float, scale: float) -> list[str]:
    parts = [_text(8, top + BAR + 5, pair.title)]
    ratio = f"{pair.here:,.0f}/s ({pair.ratio:.2f})"
    for value, label, colour, y in (
        (pair.here, ratio, HERE, top),
        (pair.beside, f"{pair.beside:,.0f}/s", BESIDE, top + BAR + 2),
    ):
        parts.append(_rect(LEFT, y, value * scale, BAR, colour))
        parts.append(_text(LEFT + value * scale + 6, y + 13, label, small=True))
    if pair.goal is not None:
        parts.append(_rect(LEFT + pair.goal * pair.beside * scale, top - 2, 3, BAR + 4, GOAL))
    return parts


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _text(x: float, y: float, text: str, *, small: bool = False) -> str:
    kind = ' class="small"' if small else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind}>{escape(text)}</text>'
