"""Reads a lossless export (`gatepost export site --people`) and puts all of it back into an empty site.

Into a site that has comments, or without people, an export comes like that of any other system (`formats/gatepost`).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from service.model import SiteKey
from service.moderation import restoring
from service.store import restored
from service.store.database import Database
from service.store.snapshot import Watch
from service.store.staged import Placed, Stage, Staged
from service.text.render import to_html
from service.transfer.formats import gatepost
from service.transfer.lines import HEADER, LINE, CommentLine, Header
from service.transfer.opened import Source, SourceError
from service.transfer.report import PostKeyFound, Report

STEP: Final = "read"
AT_ONCE: Final = 500
TOLD_EVERY: Final = 500


@dataclass(slots=True)
class Whole:
    """What a lossless export holds beside comments. `source` is by what these are known when they come again."""

    source: str
    length: int
    people: dict[int, tuple[str, str]] = field(default_factory=dict)
    authors: list[Mapping[str, Any]] = field(default_factory=list)
    posts: list[Mapping[str, Any]] = field(default_factory=list)
    policies: list[Mapping[str, Any]] = field(default_factory=list)


def header_of(source: Source) -> Header | None:
    """What the first line says, where this is one lossless export. Raises SourceError."""
    found = gatepost.header_of(source)
    if found is None or len(source.parts) != 1 or not found.get("people"):
        return None
    try:
        return HEADER.validate_python(found)
    except ValidationError as error:
        raise SourceError(f"{source.parts[0].name}, line 1: {_mistake(error)}") from None


def read(source: Source, header: Header, stage: Stage, report: Report, watch: Watch) -> Whole:
    """Bring all comments onto the stage; the rest. Raises SourceError and StoppedError."""
    part, digest = source.parts[0], hashlib.sha256()
    whole = Whole(f"gatepost {header['digest'][:16]}", header["counts"].get("decisions", 0))
    report.format, report.files = gatepost.NAME, [part.name]
    with part.open() as stream:
        for number, line in stream.lines():
            if number == 1:
                continue
            if number % TOLD_EVERY == 0:
                watch.tell(STEP, *source.passed)
            digest.update(line)
            try:
                found = LINE.validate_json(line)
                _take(found, number, whole, stage)
            except (ValidationError, KeyError) as error:
                said = _mistake(error) if isinstance(error, ValidationError) else f"{error} is missing"
                raise SourceError(f"{part.name}, line {number}: {said}: is this file as it was written?") from None
    for line_number, why in stage.arrange(keeping_deleted=True):
        report.problem(line_number, why)
    report.by_status, report.authors = stage.by_status(), stage.authors()
    report.posts = [PostKeyFound(*post) for post in stage.posts()]
    if report.comments != header["counts"].get("comments"):
        raise SourceError(f"{part.name}: has {report.comments} comments and not those that it says: it was cut off")
    if digest.hexdigest() != header["digest"]:
        raise SourceError(f"{part.name}: is not as it was written: its lines have another digest; export it anew")
    return whole


def _take(found: Mapping[str, Any], number: int, whole: Whole, stage: Stage) -> None:
    if author := found.get("author"):
        whole.people[author["number"]] = author["login"], author["subject"]
        whole.authors.append(author)
    elif post := found.get("post"):
        whole.posts.append(post)
    elif policy := found.get("policy"):
        whole.policies.append(policy)
    elif comment := found.get("comment"):
        _stage(comment, number, whole, stage)


def _stage(comment: CommentLine, number: int, whole: Whole, stage: Stage) -> None:
    login, subject = whole.people[comment["author"]]
    original, _ = comment["original"], (comment["decisions"], comment["judgements"])
    staged = Staged(
        number=number,
        identity=comment["id"],
        answers=comment["parent"],
        post=comment["post"],
        post_title=None,
        post_url=None,
        subject=subject,
        login=login,
        name=comment["name"],
        url=comment["url"],
        body=comment["body"],
        html=to_html(comment["body"]),
        original=original["body"] if original else None,
        original_format=original["format"] if original else None,
        status=comment["status"],
        created_at=comment["created_at"],
        edited_at=comment["edited_at"],
        anchor=comment["anchor"],
        whole=json.dumps(comment),
    )
    stage.add(staged, Placed(comment["id"], comment["post"], comment["parent"], number))


async def is_for(database: Database, site: SiteKey, stage: Stage, known: int) -> bool:
    """Whether the export can be put back here: nothing else is on the site, and no other site has its comments.

    `known` is how many of its comments an earlier run has brought. Raises StoreUnavailable.
    """
    if await database.bulk.read(restored.size, site) != known:
        return False
    there = 0
    for ids in stage.identities(AT_ONCE):
        there += len(await database.bulk.read(restored.anywhere, ids))
    return there == known


async def put_back(database: Database, site: SiteKey, whole: Whole) -> None:
    """Put back what the export holds beside comments. Raises StoreUnavailable."""
    for people in _slices(whole.authors):
        await database.bulk.write(restoring.put_people, site, whole.people, people)
    for found in _slices(whole.posts):
        await database.bulk.write(restoring.put_posts, site, found)
    await database.bulk.write(restoring.put_policies, site, whole.people, whole.policies)


def _slices(rows: Sequence[Mapping[str, Any]]) -> list[Sequence[Mapping[str, Any]]]:
    return [rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)]


def _mistake(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
