"""Reads the files of an import to their end, makes each comment ready to be written, and says what is left out.

Nothing of it reaches the store: it lies on a stage (`store/staged`), which `bringing` hands on.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from service.auth.login import MAX_SUBJECT, profile_of
from service.model import Milliseconds, Status
from service.reading.shapes import ANCHOR_PATTERN
from service.settings import Site
from service.store.snapshot import Watch
from service.store.staged import LONGEST_IDENTITY, Placed, Stage, Staged
from service.strict_json import is_clean
from service.text import render, visible
from service.transfer import bodies, keys
from service.transfer.formats.format import Format
from service.transfer.imported import Blocked, BodyFormat, ImportedComment, Kind, State
from service.transfer.keys import Keys
from service.transfer.opened import Source
from service.transfer.report import PostKeyFound, Report

STEP: Final = "read"
TOLD_EVERY: Final = 500
LATEST: Final[Milliseconds] = 4_102_444_800_000
"""The year 2100: what is said to be later is a mistake."""
LONGEST_TITLE: Final = 500
LONGEST_ADDRESS: Final = 2_000
_ANCHOR: Final = re.compile(ANCHOR_PATTERN)
LONGEST_ANCHOR: Final = 200
MOST_ALIKE: Final = 10
"""Other keys that are named beside a key."""
REMEMBERED: Final = 256
"""Titles and addresses of posts: comments of one post stand beside each other."""
REMEMBERED_PEOPLE: Final = 1_024
MOST_TIMES_TOO_LONG: Final = 10
"""A text that is so much longer than those of the site is not looked at any further: marks alone never make it so."""
_LONGEST: Final = {
    **dict.fromkeys(("post_url", "post_title", "author_id", "author_name", "author_url"), LONGEST_ADDRESS),
    "source_parent": LONGEST_IDENTITY,
}
_STATUS: Final = {state: Status(state.value) for state in State}
_CUT: Final = " \u2026"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an import is to be read. `login`: the namespace of the site in which the source's ids of users are
    subjects; None: they are nobody here."""

    site: Site
    keys: Keys = Keys.URL_PATH
    map: Mapping[str, str] = field(default_factory=dict)
    login: str | None = None
    truncates: bool = False
    pingbacks: bool = False
    bans: bool = False


class _RefusedError(Exception):
    """A comment is left out. Its text says why."""


def read(source: Source, format_: Format, wanted: Wanted, stage: Stage, report: Report, watch: Watch) -> None:
    """Bring every comment of these files onto the stage. Raises SourceError, and StoppedError."""
    report.format, report.files = format_.name, [part.name for part in source.parts]
    for number, found in enumerate(format_.read(source), start=1):
        if number % TOLD_EVERY == 0:
            watch.tell(STEP, *source.passed)
        if isinstance(found, ImportedComment):
            _take(found, number, wanted, stage, report)
        elif isinstance(found, Blocked):
            report.blocked += 1
            if wanted.bans:
                stage.ban(found.author_id, found.until)
        elif found.personal:
            report.personal += found.personal
        else:
            report.problem(found.line, found.why)
    watch.tell(STEP, *source.passed)
    for line, why in stage.arrange():
        report.problem(line, why)
    report.by_status, report.authors = stage.by_status(), stage.authors()
    report.posts = [PostKeyFound(*post) for post in stage.posts()]
    _find_alike(report.posts)
    for line in stage.dropped():
        report.count(line, "was deleted, and nothing stands on it")


def _take(found: ImportedComment, number: int, wanted: Wanted, stage: Stage, report: Report) -> None:
    try:
        ready = _ready(found, number, wanted)
    except _RefusedError as refused:
        report.problem(found.line, str(refused))
        return
    stage.add(ready, Placed(found.source_id, found.thread_id, found.source_parent, found.line))


def _ready(found: ImportedComment, number: int, wanted: Wanted) -> Staged:
    found = _within_bounds(found, wanted)
    if found.kind is not Kind.COMMENT and not wanted.pingbacks:
        raise _RefusedError(f"is a {found.kind}: they come with --pingbacks")
    if not found.source_id or len(found.source_id) > LONGEST_IDENTITY or not is_clean(found.source_id):
        raise _RefusedError("has no id that can be used")
    if len(found.thread_id) > LONGEST_ADDRESS:
        raise _RefusedError(f"stands on a thread whose id has more than {LONGEST_ADDRESS} characters")
    if not 0 <= found.created_at <= LATEST:
        raise _RefusedError("has no time that can be")
    key = keys.key_of(found, wanted.keys, wanted.map)
    if key is None:
        raise _RefusedError("stands on a thread without an address: give it a key with --map, or use --key id")
    if mistake := keys.mistake_in(key):
        raise _RefusedError(f"stands on a thread whose key cannot be used, since it {mistake}: give it one with --map")
    body, html = _text(found, wanted)
    profile = profile_of(_clean(found.author_name), url=_clean(found.author_url))
    subject, is_own = _subject(found.author_id, found.author_name, found.author_url)
    is_made = found.body_format in (BodyFormat.HTML, BodyFormat.TEXT) and body != found.body
    edited_at = found.edited_at
    return Staged(
        number=number,
        identity=found.source_id,
        answers=found.source_parent,
        post=key,
        post_title=_title(found.post_title),
        post_url=_address(found.post_url),
        subject=subject,
        login=wanted.login if is_own and found.is_users_id else None,
        name=profile.name,
        url=profile.url,
        body=body,
        html=html,
        original=found.body if is_made else None,
        original_format=found.body_format.value if is_made else None,
        status=_STATUS[found.state].value,
        created_at=found.created_at,
        edited_at=edited_at if edited_at is not None and found.created_at < edited_at <= LATEST else None,
        anchor=_anchor(found.anchor),
    )


def _within_bounds(found: ImportedComment, wanted: Wanted) -> ImportedComment:
    """The same without what is much too long, before anything is made of it or remembered."""
    most = wanted.site.max_body_length * MOST_TIMES_TOO_LONG
    if len(found.body) > most:
        if not wanted.truncates:
            raise _RefusedError(_too_long(wanted))
        found = found._replace(body=found.body[:most])
    for name, longest in _LONGEST.items():
        if (text := getattr(found, name)) is not None and len(text) > longest:
            found = found._replace(**{name: text[: longest + 1]})
    return found


def _too_long(wanted: Wanted) -> str:
    return f"has more than {wanted.site.max_body_length} characters: --truncate cuts them off"


def _text(found: ImportedComment, wanted: Wanted) -> tuple[str, str]:
    """The comment's text and its HTML, within the limits of a submission."""
    if not is_clean(found.body):
        raise _RefusedError("has a text with NUL or half a character")
    body, longest = bodies.to_markdown(found.body, found.body_format), wanted.site.max_body_length
    if len(body.strip()) > longest:
        if not wanted.truncates:
            raise _RefusedError(_too_long(wanted))
        body = body.strip()[: longest - len(_CUT)] + _CUT
    html = render.to_html(body)
    if found.state is not State.DELETED and (not body.strip() or render.shows_nothing(html)):
        raise _RefusedError("has a text of which nothing would show")
    return body, html


@lru_cache(maxsize=REMEMBERED_PEOPLE)
def _subject(own: str | None, name: str, url: str | None) -> tuple[str, bool]:
    """Under which name the source's author is known, and whether that is their own id there."""
    if own and own.strip() and len(own) <= MAX_SUBJECT and is_clean(own):
        return own, True
    said = "\0".join((own or "", name, url or ""))
    return "~" + hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:32], False


def _clean(text: str | None) -> str | None:
    return text if text and is_clean(text) else None


@lru_cache(maxsize=REMEMBERED)
def _title(text: str | None) -> str | None:
    return visible.clean_line(_clean(text) or "")[:LONGEST_TITLE] or None


@lru_cache(maxsize=REMEMBERED)
def _address(text: str | None) -> str | None:
    """`text` where it can be the address of a post."""
    found = (text or "").strip()
    is_one = re.fullmatch(r"https?://[^/\s][^\s]*", found, re.IGNORECASE) and is_clean(found)
    return found if is_one and len(found) <= LONGEST_ADDRESS else None


def _anchor(text: str | None) -> str | None:
    return text if text and len(text) <= LONGEST_ANCHOR and _ANCHOR.fullmatch(text) else None


def _find_alike(posts: Sequence[PostKeyFound]) -> None:
    """Say of each key which others differ from it only by case or by a slash at an end."""
    groups: dict[str, list[PostKeyFound]] = {}
    for post in posts:
        groups.setdefault(post.key.strip("/").casefold(), []).append(post)
    for group in groups.values():
        for post in group if len(group) > 1 else ():
            post.alike = [other.key for other in group[: MOST_ALIKE + 1] if other is not post][:MOST_ALIKE]
