"""What comes in about the policy: bodies, as those in `incoming`."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from service.reading.shapes import Id
from service.strict_json import require_clean
from service.triage.document import LONGEST_KILOBYTES
from service.web.incoming import CommentText, Line, Moment, Strict


def _clean(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("must be an object")  # pydantic wants this of a validator
    require_clean(value)
    return value


Document = Annotated[
    dict[str, Any],
    BeforeValidator(_clean),
    Field(
        description=f"A policy, at most {LONGEST_KILOBYTES} kB as JSON: `docs/triage.md` explains every member",
        json_schema_extra={"x-longest-json": LONGEST_KILOBYTES * 1024},
    ),
]
Note = Annotated[Line, Field(max_length=2_000)] | None
FactValues = Annotated[
    dict[str, Any],
    BeforeValidator(_clean),
    Field(
        description="Values of facts, by their names", json_schema_extra={"x-longest-json": LONGEST_KILOBYTES * 1024}
    ),
]


class PolicyChange(Strict):
    """A document that is to hold from now on, and why."""

    document: Document
    note: Note = None


class PolicyQuestion(Strict):
    """A document that somebody is writing."""

    document: Document


class Trial(Strict):
    """A comment or a text to judge, by a document or by the policy that holds.

    `given` are facts that are to be otherwise; those of a comment are as they were when it came.
    """

    document: Document | None = None
    comment_id: Id | None = None
    text: CommentText | None = None
    given: FactValues = Field(default_factory=dict)
    at: Moment | None = None
    lockdown: bool = False
