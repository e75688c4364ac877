"""A policy's document as people read and edit it: short values on one line, long ones on several."""

import json
from typing import Any, Final

WIDEST: Final = 80
INDENT: Final = "  "


def written(document: Any) -> str:
    """JSON that parses to the same."""
    return _written(document, before="", taken=WIDEST)


def _written(value: Any, *, before: str, taken: int) -> str:
    """`before` are the blanks in front of the line on which it begins, `taken` the characters that stand there."""
    short = json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, dict | list) or taken + len(short) <= WIDEST:
        return short
    inner = before + INDENT
    lines = []
    for name, one in value.items() if isinstance(value, dict) else (("", item) for item in value):
        said = f"{inner}{json.dumps(name, ensure_ascii=False)}: " if isinstance(value, dict) else inner
        lines.append(said + _written(one, before=inner, taken=len(said)))
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return "\n".join((opening, ",\n".join(lines), before + closing))
