"""Which text a decision was about: a comment may have another one by now."""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from service.model import Comment, CommentId, Decision, DecisionId, Text
from service.store import texts
from service.store.among import each, listed
from service.store.database import Row, Transaction
from service.store.tables import decisions

_listed = each("ids")
_BEFORE = select(decisions.c.id, decisions.c.version, decisions.c.before).join_from(
    _listed, decisions, decisions.c.id == _listed.c.value
)


def texts_of(tx: Transaction, found: Sequence[Decision], about: Mapping[CommentId, Comment]) -> dict[DecisionId, Text]:
    """The text that each of these decisions was about, as far as it is known. `about` are their comments."""
    rows = tx.all(_BEFORE, ids=listed(decision.id for decision in found)) if found else []
    versions = {row["id"]: _version(row) for row in rows}
    return {
        decision.id: text
        for decision in found
        if decision.comment_id in about and decision.id in versions
        if (text := _text(tx, about[decision.comment_id], versions[decision.id])) is not None
    }


def _version(row: Row) -> int:
    """The version at which the text was written: that of the edit which waited, else of the comment's own text.

    What has nothing to put back was decided when the text came in.
    """
    if row["before"] is None:
        return int(row["version"])
    state = json.loads(row["before"])
    return int(state["text_version"] if state["edit_version"] is None else state["edit_version"])


def _text(tx: Transaction, comment: Comment, version: int) -> Text | None:
    for text in (comment.text, comment.newest_text):
        if text.version == version:
            return text
    try:
        return texts.kept(tx, comment.id, version)
    except LookupError:
        return None
