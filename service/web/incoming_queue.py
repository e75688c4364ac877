"""What comes in about the queue: the bodies of claims, as those in `incoming`."""

from typing import (
    Annotated,
    Literal,  # pydantic reads these on Python 3.11
)

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from service.reading.shapes import WhyCode
from service.web.incoming import IdText, Line, Strict, whole
from service.web.post_keys import PostKeyText

Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
"""A name that a policy gives: of a rule, a check, a list."""


class QueueFilter(Strict):
    """Which entries of the queue, in which order: as its query says it."""

    reason: WhyCode | None = None
    post: PostKeyText | None = None
    author: IdText | None = None
    q: Annotated[Line, Field(min_length=1, max_length=200)] | None = None
    rule: Name | None = None
    check: Name | None = None
    list_name: Name | None = Field(None, alias="list")
    outcome: Literal["publish", "hold", "reject", "spam", "refuse"] | None = None
    order: Literal["oldest", "priority"] = "oldest"


BOTH_WAYS: JsonDict = {"required": ["comment_ids"], "anyOf": [{"required": ["limit"]}, {"required": ["filter"]}]}

"""A claim that says twice which entries it means."""


class ClaimRequest(Strict):
    """How many of the next entries, or which ones; for how long."""

    model_config = ConfigDict(json_schema_extra={"not": BOTH_WAYS})

    limit: Annotated[int, Field(ge=1, le=200), BeforeValidator(whole)] = 10
    filter: QueueFilter = QueueFilter()
    comment_ids: list[IdText] = Field(
        default_factory=list,
        min_length=1,
        max_length=200,
        description="These, and no others: without `limit` and `filter`",
    )
    lease_seconds: Annotated[int, Field(ge=1, le=86_400), BeforeValidator(whole)] = 300

    @model_validator(mode="after")
    def _says_which_once(self) -> "ClaimRequest":
        if self.comment_ids and self.model_fields_set & {"limit", "filter"}:
            raise ValueError("must have either comment_ids, or limit and filter")
        return self
