"""On which line of a document's text a value stands. Whoever shows mistakes to people asks."""

import json
import re
from collections.abc import Mapping
from typing import Final

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def lines_of(text: str) -> dict[str, int]:
    """The line of each value by its JSON pointer; the first line is 1. The text must be JSON.

    Of a member of an object, it is the line of its name.
    """
    found: dict[str, int] = {}
    inside: list[str] = []
    """The pointers of the objects and lists that are open."""
    coming: list[str | int | None] = []
    """Which value comes next in each of them; None: first the name of a member."""
    line, seen = 1, 0
    for token in _TOKEN.finditer(text):
        line, seen = line + text.count("\n", seen, token.start()), token.start()
        sign = token[0]
        if sign in "]}":
            inside.pop()
            coming.pop()
        elif sign == ",":
            last = coming[-1]
            coming[-1] = last + 1 if isinstance(last, int) else None
        elif sign != ":":
            if inside and coming[-1] is None:
                coming[-1] = str(json.loads(sign))
                found[_below(inside[-1], coming[-1])] = line
                continue
            here = _below(inside[-1], coming[-1]) if inside else ""
            found.setdefault(here, line)
            if sign in "[{":
                inside.append(here)
                coming.append(0 if sign == "[" else None)
    return found


def line_of(lines: Mapping[str, int], pointer: str) -> int:
    """The line of a value, or of what it should have stood in."""
    while pointer and pointer not in lines:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer, 1)


def _below(pointer: str, step: str | int | None) -> str:
    return f"{pointer}/{str(step).replace('~', '~0').replace('/', '~1')}"
