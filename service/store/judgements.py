"""Queries on judgements: what a policy said of each text, with the facts of then."""

from collections.abc import Mapping
from typing import Any

import pydantic_core
from sqlalchemy import bindparam, insert, select

from service.model import CommentId
from service.store.database import Transaction
from service.store.tables import judgements

_ADD = insert(judgements).values({column.name: bindparam(column.name) for column in judgements.c})
_OF_TEXT = select(judgements.c.said).where(
    judgements.c.comment_id == bindparam("comment_id"), judgements.c.text_version == bindparam("text_version")
)


def add(tx: Transaction, comment_id: CommentId, said: Mapping[str, Any]) -> None:
    """Keep a judgement (`Judgement.as_json`) of the text that it names."""
    text = pydantic_core.to_json(said).decode()
    tx.send(_ADD, (comment_id, said["text_version"], said["policy_version"], said["outcome"], text, tx.now))


def of_text(tx: Transaction, comment_id: CommentId, text_version: int) -> dict[str, Any] | None:
    """What was said of one text; None where no policy of the site's own has judged it."""
    row = tx.first(_OF_TEXT, comment_id=comment_id, text_version=text_version)
    return dict(pydantic_core.from_json(row["said"])) if row else None
