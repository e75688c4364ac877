"""What the beginning of a file says of its format: the element, the names or the tables that stand in it."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from service.transfer.formats import json_values, rows
from service.transfer.opened import Part

BEGIN_BYTES: Final = 64 * 1024
_ROOT: Final = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
_SQLITE: Final = b"SQLite format 3\0"


class Kind(StrEnum):
    """What a part is written in."""

    XML = "xml"
    JSON = "json"
    SQLITE = "sqlite"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Glance:
    """`names`: of XML the root element, of a database its columns (`table.column`), of CSV those of its first line, of
    JSON the members of the first object and their values (`user.name`, `comments.item.id`)."""

    kind: Kind
    names: dict[str, Any] = field(default_factory=dict)

    def has(self, kind: Kind, *names: str) -> bool:
        """Whether it is of this kind, and all of these are there."""
        return self.kind is kind and all(name in self.names for name in names)


@lru_cache(maxsize=16)
def at(part: Part) -> Glance:
    """What a part begins with. Raises SourceError."""
    with part.open() as stream:
        begin = stream.read(BEGIN_BYTES)
    if begin.startswith(_SQLITE):
        return Glance(Kind.SQLITE, dict.fromkeys(rows.columns(part)))
    text = begin.lstrip(b" \t\r\n`")
    if text.startswith(b"#"):  # LeanCloud says in such a line what comes
        text = text.partition(b"\n")[2]
    if text.startswith(b"<") and (root := _ROOT.search(text)):
        return Glance(Kind.XML, {root[1].decode(): None})
    if text[:1] in (b"[", b"{"):
        return Glance(Kind.JSON, dict(json_values.first_members(text)))
    header = begin.split(b"\n", 1)[0].decode("utf-8", "replace")
    return Glance(Kind.CSV, dict.fromkeys(name.strip().strip('"') for name in header.split(",")))
