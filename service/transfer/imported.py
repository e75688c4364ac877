"""What an importer says of one comment of a foreign file: the one shape that every format is read into.

A reader yields these one by one, in the order of its file, and saves nothing. `moderation/importing` takes them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from service.model import Milliseconds


class BodyFormat(StrEnum):
    """In which language a foreign body is written."""

    OWN = "own"
    """Gatepost's own Markdown: it stays as it is."""
    MARKDOWN = "markdown"
    HTML = "html"
    TEXT = "text"


class State(StrEnum):
    """What the other system said of a comment."""

    APPROVED = "approved"
    PENDING = "pending"
    REJECTED = "rejected"
    SPAM = "spam"
    DELETED = "deleted"


class Kind(StrEnum):
    """A comment that somebody wrote, or a note that another page links here."""

    COMMENT = "comment"
    PINGBACK = "pingback"
    TRACKBACK = "trackback"


class ImportedComment(NamedTuple):
    """One comment as its file has it. Ids are the file's own; a parent may stand behind its replies.

    `thread_id`, `post_url` and `post_title` say what was commented on, as far as the file knows; the blog's own key
    for it is made of them later (`--key`, `--map`). `author_id` is None where the file has none; `is_users_id`: it is
    what that system knows a user by, and does not only tell authors of the file apart. `anchor` is the old fragment
    without `#` under which links lead to it. `line` is where it stands in the file, or its number there, from 1 on.
    E-mail addresses, IP addresses, user agents and votes never get as far as this.
    """

    source: str
    source_id: str
    line: int
    thread_id: str
    body: str
    body_format: BodyFormat
    state: State
    created_at: Milliseconds
    source_parent: str | None = None
    post_url: str | None = None
    post_title: str | None = None
    author_id: str | None = None
    is_users_id: bool = True
    author_name: str = ""
    author_url: str | None = None
    edited_at: Milliseconds | None = None
    anchor: str | None = None
    kind: Kind = Kind.COMMENT


@dataclass(frozen=True, slots=True)
class Blocked:
    """Somebody whom the other system let write no more, and until when (`FOREVER`: for good)."""

    line: int
    author_id: str
    until: Milliseconds


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something in the file that does not come in, and why, in words.

    `personal` counts what is only left out of a record that does come in: e-mail addresses, IP addresses, user
    agents, votes.
    """

    line: int
    why: str
    personal: int = 0


Found = ImportedComment | Blocked | LeftOut
"""What a reader yields."""
