"""Reads a lossless export (`gatepost export site --people`) and puts all of it back into an empty site.

Without people an export comes like that of any other system, beside whatever is there (`formats/gatepost`).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from service import strict_json
from service.model import SiteKey
from service.moderation import restoring
from service.moderation.restoring import Holdings, NotForThisSiteError
from service.settings import Site
from service.store import restored
from service.store.database import Database
from service.store.snapshot import Watch
from service.store.staged import Placed, Stage, Staged
from service.text.render import to_html
from service.transfer import lines
from service.transfer.formats import gatepost
from service.transfer.lines import HEADER, Header
from service.transfer.opened import Part, Source, SourceError
from service.transfer.report import PostKeyFound, Report
from service.transfer.wholeness import UnfitError, Wholeness

STEP: Final = "read"
TOLD_EVERY: Final = 500
AS_WRITTEN: Final = "is this file as it was written?"


def header_of(source: Source) -> Header | None:
    """What the first line says, where this is one lossless export. Raises SourceError."""
    if len(source.parts) != 1:
        return None
    found = gatepost.header_of(source.parts[0])
    if found is None or not found.get("people"):
        return None
    try:
        return HEADER.validate_python(found)
    except ValidationError as error:
        raise SourceError(f"{source.parts[0].name}, line 1: {lines.mistake(error)}: {AS_WRITTEN}") from None


def read(source: Source, header: Header, site: Site, stage: Stage, report: Report, watch: Watch) -> Holdings:
    """Bring all comments onto the stage; the rest. Raises SourceError and StoppedError."""
    part, digest = source.parts[0], hashlib.sha256()
    found = Holdings(header["digest"], header["counts"].get("decisions", 0))
    fitting = Wholeness(stage, longest=site.max_body_length, length=found.length)
    report.format, report.files = gatepost.NAME, [part.name]
    with part.open() as stream:
        for number, line in stream.lines():
            if number == 1:
                continue
            if number % TOLD_EVERY == 0:
                watch.tell(STEP, *source.passed)
            digest.update(line)
            try:
                _take(_parsed(line), number, found, fitting, stage)
            except (ValueError, UnfitError) as error:
                raise SourceError(f"{part.name}, line {number}: {error}: {AS_WRITTEN}") from None
    _require_whole(part, header, digest.hexdigest(), stage, report)
    report.posts = [PostKeyFound(*post) for post in stage.posts()]
    return found


def _parsed(line: bytes) -> Mapping[str, Any]:
    """A line as it stands, once its shape has been looked at. Raises ValueError."""
    try:
        found = json.loads(line, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it nests too deeply") from None
    lines.line_of(found)
    strict_json.require_clean(found)
    if line.count(b"[") + line.count(b"{") > strict_json.MAX_DEPTH < strict_json.depth(found):
        raise ValueError("it nests too deeply")
    if len(found) != 1:
        raise ValueError(f"it is about {len(found)} things")
    return dict(found)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _take(line: Mapping[str, Any], number: int, into: Holdings, fitting: Wholeness, stage: Stage) -> None:
    ((kind, found),) = line.items()
    getattr(fitting, kind)(found)
    match kind:
        case "author":
            into.people[found["number"]] = found["login"], found["subject"]
            into.authors.append(found)
        case "post":
            into.posts.append(found)
        case "policy":
            into.policies.append(found)
        case "list":
            into.lists.append(found)
        case "rule":
            into.rules.append(found)
        case "comment":
            _stage(found, number, into, stage)


def _stage(comment: Mapping[str, Any], number: int, into: Holdings, stage: Stage) -> None:
    (login, subject), original = into.people[comment["author"]], comment["original"]
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


def _require_whole(part: Part, header: Header, digest: str, stage: Stage, report: Report) -> None:
    """Raises SourceError where the lines are not all that the header announces."""
    for line, why in (*stage.arrange(keeping_deleted=True), *stage.orphans()):
        raise SourceError(f"{part.name}, line {line}: its parent is not there ({why}): is this file as it was written?")
    report.by_status, report.authors = stage.by_status(), stage.authors()
    if report.comments != header["counts"].get("comments"):
        raise SourceError(f"{part.name}: has {report.comments} comments and not those that it says: it was cut off")
    if digest != header["digest"]:
        raise SourceError(f"{part.name}: is not as it was written: its lines have another digest; export it anew")


async def require_room(database: Database, site: SiteKey, found: Holdings, stage: Stage) -> None:
    """Raises NotForThisSiteError where the export cannot be put back here, and StoreUnavailable."""
    await database.bulk.read(restoring.require_room, site, found.digest)
    for ids in stage.identities(restoring.AT_ONCE):
        if others := set((await database.bulk.read(restored.sites_of, ids)).values()) - {site}:
            raise NotForThisSiteError(
                f"this store has comments of this export on another site ({min(others)}), and nothing is there twice: "
                f"bring it to that site or into another store. To bring only its comments to {site}, export it without "
                "--people"
            )


async def put_back(database: Database, site: SiteKey, found: Holdings) -> None:
    """Put back what the export holds beside comments. Raises NotForThisSiteError and StoreUnavailable."""
    await database.bulk.write(restoring.begin, site, found)
    for people in _slices(found.authors):
        await database.bulk.write(restoring.put_people, site, found.people, people)
    for posts in _slices(found.posts):
        await database.bulk.write(restoring.put_posts, site, posts)


def _slices(rows: Sequence[Mapping[str, Any]]) -> list[Sequence[Mapping[str, Any]]]:
    size = restoring.AT_ONCE
    return [rows[start : start + size] for start in range(0, len(rows), size)]
