"""Imports for tests: comments as a reader yields them, brought into a store by the parts that the command calls."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from service.model import BatchId, SiteKey
from service.settings import Site, parse
from service.store import snapshot, staged, verify
from service.store.database import Database
from service.store.snapshot import Watch
from service.store.staged import Stage
from service.transfer import bringing, content, reading
from service.transfer.bringing import Ready
from service.transfer.formats.format import Format
from service.transfer.imported import BodyFormat, Found, ImportedComment, State
from service.transfer.opened import Part, Passed, Source
from service.transfer.reading import Wanted
from service.transfer.report import Report
from tests.harness import configuration

SITE: Site = parse(configuration("sqlite:///none.db")).sites[SiteKey("blog")]


def comment(number: int, *, parent: int | None = None, post: str = "/one", **given: Any) -> ImportedComment:
    """A comment of another system, approved unless `given` says otherwise."""
    usual: dict[str, Any] = {
        "source": "elsewhere",
        "source_id": str(number),
        "source_parent": None if parent is None else str(parent),
        "line": number,
        "thread_id": post,
        "post_url": f"https://old.example{post}",
        "post_title": f"About {post}",
        "author_id": f"u{number % 3}",
        "author_name": f"Ada {number % 3}",
        "body": f"Comment *{number}*.",
        "body_format": BodyFormat.MARKDOWN,
        "state": State.APPROVED,
        "created_at": 1_100_000_000_000 + number * 60_000,
        "anchor": f"comment-{number}",
    }
    return ImportedComment(**{**usual, **given})


class Given(Source):
    """No files: what is read is given."""

    def __init__(self) -> None:
        self.parts = (Part("given", None, Passed(0), BytesIO),)


@contextmanager
def on_stage(found: Iterable[Found], wanted: Wanted | None = None) -> Iterator[tuple[Stage, Report]]:
    """These comments, read to their end."""
    with staged.opened() as stage:
        yield stage, read_onto(stage, found, wanted)


def read_onto(stage: Stage, found: Iterable[Found], wanted: Wanted | None = None) -> Report:
    """The same, onto a stage that is open."""
    form = Format("elsewhere", lambda _: True, lambda _: iter(found))
    report = Report(site=SITE.key)
    reading.read(Given(), form, wanted or Wanted(SITE), stage, report, Watch())
    return report


async def bring(
    database: Database,
    found: Iterable[Found],
    wanted: Wanted | None = None,
    *,
    batch: str = "a-batch",
    updates: bool = False,
    watch: Watch | None = None,
) -> Report:
    """Import these comments into the site `blog`."""
    wanted = wanted or Wanted(SITE)
    ready = Ready(wanted.site.rules, "elsewhere", BatchId(batch), updates=updates)
    with on_stage(found, wanted) as (stage, report):
        await bringing.look(database, ready, stage, report, Watch())
        await bringing.write(database, ready, stage, report, watch or Watch())
    return report


def digest(url: str, site: SiteKey = SITE.key) -> str:
    """The content digest of a site."""
    with snapshot.of(url) as moment:
        return content.digest(moment, site, Watch())


def differences(url: str) -> list[str]:
    """What `gatepost db verify` would say."""
    with snapshot.of(url) as moment:
        return list(verify.differences(moment, Watch()))
