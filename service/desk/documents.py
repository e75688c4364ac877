"""A policy's document as people read and edit it: short values on one line, long ones on several."""

import json
from typing import Any, Final

WIDEST: Final = 100
INDENT: Final = "  "


def written(value: Any, *, before: str = "") -> str:
    """JSON that parses to the same. `before` is what stands on its line already, in blanks."""
    short = json.dumps(value, ensure_ascii=False)
    inner = before + INDENT
    is_short = len(before) + len(short) <= WIDEST and before
    if is_short or not value or not isinstance(value, dict | list):
        return short
    if isinstance(value, dict):
        parts = [f"{json.dumps(name, ensure_ascii=False)}: {written(one, before=inner)}" for name, one in value.items()]
    else:
        parts = [written(one, before=inner) for one in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    lines = ",\n".join(inner + part for part in parts)
    return f"{opening}\n{lines}\n{before}{closing}"
