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
    inside: list[tuple[str, list[str | int | None]]] = []
    """The objects and lists that are open: the pointer of each, and what comes next in it. None: the name of a member."""
    line, seen = 1, 0
    for token in _TOKEN.finditer(text):
        line, seen = line + text.count("\n", seen, token.start()), token.start()
        sign = token[0]
        pointer, coming = inside[-1] if inside else ("", [""])
        if sign in "]}":
            inside.pop()
        elif sign == ",":
            coming[0] = coming[0] + 1 if isinstance(coming[0], int) else None
        elif sign != ":":
            if coming[0] is None:
                coming[0] = str(json.loads(sign))
                found[_below(pointer, coming[0])] = line
                continue
            here = _below(pointer, coming[0]) if inside else ""
            found.setdefault(here, line)
            if sign in "[{":
                inside.append((here, [0 if sign == "[" else None]))
    return found


def line_of(lines: Mapping[str, int], pointer: str) -> int:
    """The line of a value, or of what it should have stood in."""
    while pointer and pointer not in lines:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer, 1)


def _below(pointer: str, step: str | int) -> str:
    return f"{pointer}/{str(step).replace('~', '~0').replace('/', '~1')}"
