"""Which entries of the queue somebody asks for: what they say, and the conditions on rows that this means."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, select

from service.model import AuthorKey, Milliseconds, PostKey, Why
from service.store.among import holds, pattern
from service.store.judgements import NEWEST_TEXT
from service.store.tables import comments, has_reason, judgements, queue
from service.text.folding import fold


class Claimed(StrEnum):
    """Entries that somebody holds themselves, or nobody."""

    MINE = "mine"
    FREE = "free"


MARKED = "mark_"
"""Before the number of a mark in the names of values."""
FREE = or_(queue.c.claimed_until.is_(None), queue.c.claimed_until <= bindparam("now"))
"""Nobody holds the entry, or not any more."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries a moderator asks for; `text` is looked for in the comment's texts and the author's name, folded.

    `marks` is what the judgement of its newest text says (`judgements.mark`), one for each kind at most. `holder` is
    who asks, where `claimed` is MINE.
    """

    why: Why | None = None
    post: PostKey | None = None
    author: AuthorKey | None = None
    text: str | None = None
    marks: tuple[str, ...] = ()
    claimed: Claimed | None = None
    holder: str | None = None

    def sought(self) -> Mapping[str, str]:
        """The values of what an index may be asked for: `post`, `author`, `pattern`, and the `text` of that."""
        text = fold(self.text) if self.text is not None else None
        wanted_pattern = pattern(text) if text is not None else None
        values = {"post": self.post, "author": self.author, "text": text, "pattern": wanted_pattern}
        marked = {f"{MARKED}{number}": f"% {mark} %" for number, mark in enumerate(self.marks)}
        return {name: value for name, value in values.items() if value is not None} | marked

    def values(self, now: Milliseconds) -> Mapping[str, Any]:
        """The values of all conditions."""
        return {**self.sought(), "now": now, "holder": self.holder}


def _is_marked(name: str) -> ColumnElement[bool]:
    """Whether the judgement of the entry's newest text says this."""
    of_newest = and_(judgements.c.comment_id == comments.c.id, judgements.c.text_version == NEWEST_TEXT)
    said = select(judgements.c.comment_id).join_from(comments, judgements, of_newest)
    return said.where(comments.c.id == queue.c.comment_id, judgements.c.marks.like(bindparam(name))).exists()


@cache
def conditions(why: Why | None, sought: frozenset[str], claimed: Claimed | None) -> tuple[ColumnElement[bool], ...]:
    """What an entry has to fulfil; the same object for the same filter, since statements are remembered by it."""
    known: dict[str, ColumnElement[bool]] = {
        "post": queue.c.post == bindparam("post"),
        "author": queue.c.author == bindparam("author"),
        "pattern": holds(queue.c.folded, "pattern"),
    }
    found = [condition for name, condition in known.items() if name in sought]
    found += [_is_marked(name) for name in sorted(sought) if name.startswith(MARKED)]
    if why is not None:
        found.append(has_reason(queue.c.why, why))
    if claimed is Claimed.FREE:
        found.append(FREE)
    elif claimed is Claimed.MINE:
        found += [queue.c.claimed_by == bindparam("holder"), queue.c.claimed_until > bindparam("now")]
    return tuple(found)
