"""What goes out about lists: the shapes of replies, as those in `outgoing`."""

from typing import Annotated

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from service.reading.shapes import Timestamp
from service.web.incoming_lists import KindName
from service.web.outgoing import ActorView

_CLOSED = with_config(ConfigDict(extra="forbid"))


@_CLOSED
class ListView(TypedDict):
    """A list of the site."""

    name: str
    title: str
    kind: KindName
    note: str | None
    version: Annotated[int, Field(description="Rises with every change, as `ETag` says it")]
    entries: Annotated[int, Field(description="How many it has")]
    changed_by: ActorView
    changed_at: Timestamp


@_CLOSED
class ListReply(TypedDict):
    """One list."""

    list: ListView


@_CLOSED
class ListsReply(TypedDict):
    """All lists of the site, by name."""

    lists: list[ListView]


ListEntryView = TypedDict(
    "ListEntryView",
    {
        "value": str,
        "not": Annotated[list[str], Field(description="Texts in which it is meant otherwise")],
        "note": str | None,
        "until": Timestamp | None,
        "added_by": ActorView,
        "added_at": Timestamp,
        "matched_30d": Annotated[int, Field(description="In how many texts of 30 days it stood")],
        "overturned_30d": Annotated[
            int, Field(description="How many of those a human approved although rules held them")
        ],
        "last_matched_at": Timestamp | None,
    },
)
ListEntryView.__doc__ = "An entry, and how it fared."
ListEntryView.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]


@_CLOSED
class ListEntries(TypedDict):
    """A page of a list's entries."""

    entries: list[ListEntryView]
    next: str | None


@_CLOSED
class EntriesChanged(TypedDict):
    """What became of a change."""

    list: ListView
    added: int
    removed: int
    unchanged: Annotated[int, Field(description="Were there already, or were not there to be removed")]
