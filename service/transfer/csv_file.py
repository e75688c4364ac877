"""`gatepost export csv`: a table of all comments of a site, for people. Nothing in it is a formula to a spreadsheet."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from service.model import SiteKey
from service.reading import show
from service.store import content
from service.store.snapshot import Snapshot, Watch

STEP: Final = "content"
TOLD_EVERY: Final = 500
COLUMNS: Final = ("id", "post", "parent", "status", "written", "edited", "author", "address", "text")
_BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Those of OWASP (CSV Injection) and their wide forms, with blanks before them or none."""


def lines(moment: Snapshot, site: SiteKey, watch: Watch) -> Iterator[bytes]:
    """The table, row by row (RFC 4180). It begins with a mark by which spreadsheets know that it is UTF-8."""
    yield b"\xef\xbb\xbf"
    yield _row(COLUMNS)
    total = content.size(moment, site)["comments"]
    for done, (row, _) in enumerate(content.comments_of(moment, site)):
        if done % TOLD_EVERY == 0:
            watch.tell(STEP, done, total)
        place = (row["id"], row["post"], row["parent_id"], row["status"])
        times = (show.timestamp(row["created_at"]), show.optional_timestamp(row["edited_at"]))
        yield _row((*place, *times, row["author_name"], row["author_url"], row["body"]))
    watch.tell(STEP, total, total)


def _row(cells: tuple[Any, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([harmless(cell or "") for cell in cells])
    return text.getvalue().encode()


def harmless(cell: str) -> str:
    """`cell` as a text that no spreadsheet runs."""
    begins = (cell, cell.lstrip())
    return f"'{cell}" if any(text.startswith(_BEGINS_A_FORMULA) for text in begins) else cell
