"""What comes in about lists: bodies, queries and headers, as those in `incoming`, `queries`."""

from typing import (
    Annotated,
    Literal,  # pydantic reads these on Python 3.11
)

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from service.triage.lists.entry import LIST_NAME, MAX_EXCEPTIONS, MAX_NAME, MAX_PATTERN
from service.web.incoming import Line, Moment, Strict
from service.web.queries import PageQuery

KindName = Literal["words", "patterns", "hosts"]
MAX_TOGETHER = 500
NAME_SCHEMA: JsonDict = {"type": "string", "pattern": LIST_NAME, "maxLength": MAX_NAME}


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text.strip()


Value = Annotated[Line, AfterValidator(_filled), Field(min_length=1, max_length=MAX_PATTERN)]
Note = Annotated[Line, Field(max_length=500)]


class ListBody(Strict):
    """What a list is called, and what its entries are."""

    title: Annotated[Line, AfterValidator(_filled), Field(min_length=1, max_length=120)]
    kind: KindName
    note: Note | None = None


class NewEntry(Strict):
    """An entry that is added."""

    value: Value
    exceptions: list[Value] = Field(
        default_factory=list,
        alias="not",
        max_length=MAX_EXCEPTIONS,
        description="Texts in which the word is meant otherwise; of a host, hosts below it",
    )
    note: Note | None = None
    until: Moment | None = Field(None, description="It holds no more from then on (RFC 3339)")


class EntriesChange(Strict):
    """Entries to add and values to remove, up to 500 together."""

    add: list[NewEntry] = Field(default_factory=list, max_length=MAX_TOGETHER)
    remove: list[Value] = Field(default_factory=list, max_length=MAX_TOGETHER)

    @model_validator(mode="after")
    def _not_too_many(self) -> "EntriesChange":
        if len(self.add) + len(self.remove) > MAX_TOGETHER:
            raise ValueError(f"must have at most {MAX_TOGETHER} of add and remove together")
        return self


class IfMatch(BaseModel):
    """Upon which version a change is made."""

    model_config = ConfigDict(frozen=True)

    if_match: Annotated[str, Field(pattern=r'^"[0-9]{1,9}"$')] | None = Field(
        None, alias="If-Match", description="The `ETag` of what you read: the change is made upon that, or not at all"
    )

    @property
    def expected(self) -> int | None:
        """The version; None where none is named."""
        return int(self.if_match.strip('"')) if self.if_match else None


class IfMatchOrNone(IfMatch):
    """The same for what may not be there yet."""

    if_none_match: Literal["*"] | None = Field(
        None, alias="If-None-Match", description="`*`: make it; it must not be there yet"
    )

    @property
    def expected(self) -> int | None:
        """The version; 0 for what is not there yet, None where none is named."""
        return 0 if self.if_none_match else super().expected


class EntriesQuery(PageQuery):
    """Which entries of a list, in which order."""

    q: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(None, description="With this in them")
    order: Literal["value", "newest", "matched", "overturned"] = Field("value", description="What comes first")
