"""An import from its stage into the store: what is there already, then one slice after another."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from service.errors import StoreUnavailable
from service.model import BatchId, CommentId, PostKey, SiteKey, SiteRules
from service.moderation import arriving, importing, unimporting
from service.moderation.arriving import Import
from service.moderation.restoring import Holdings
from service.store import imported, posts
from service.store.database import Database, Transaction
from service.store.snapshot import Watch
from service.store.staged import Stage, Staged
from service.transfer import reading, whole
from service.transfer.formats import gatepost
from service.transfer.formats.format import Format
from service.transfer.keys import Keys
from service.transfer.opened import Source
from service.transfer.reading import Wanted
from service.transfer.report import Report

LOOK: Final = "look"
STEP: Final = "write"
UNDO: Final = "undo"
SLICE: Final = 250
"""Comments that are written in one transaction: who submits one meanwhile waits for so many at most."""
TRIES: Final = 6
"""So often in a row the store may fail to take a slice, which gets smaller each time."""
WAIT_SECONDS: Final = 2.0
LOOKED_AT_ONCE: Final = 500
MISSING: Final = "answers a comment that is nowhere: it begins a thread of its own"


@dataclass(frozen=True, slots=True)
class Ready:
    """An import whose files have been read. `whole`: it is a lossless export."""

    site: SiteRules
    source: str
    batch: BatchId
    whole: Holdings | None = None
    updates: bool = False

    @property
    def order(self) -> Import:
        """As `moderation` takes it."""
        people = self.whole.people if self.whole else None
        length = self.whole.length if self.whole else 0
        return Import(self.site, self.source, self.batch, updates=self.updates, people=people, length=length)


def prepare(
    source: Source, form: Format, wanted: Wanted, stage: Stage, report: Report, watch: Watch, *, batch: str
) -> Ready:
    """Read the files to their end. Raises SourceError and StoppedError."""
    header = whole.header_of(source) if form is gatepost.FORMAT else None
    if header is not None:
        found = whole.read(source, header, wanted.site, stage, report, watch)
        return Ready(wanted.site.rules, gatepost.NAME, BatchId(batch), found)
    if form is gatepost.FORMAT:
        wanted = replace(wanted, keys=Keys.ID)
    reading.read(source, form, wanted, stage, report, watch)
    return Ready(wanted.site.rules, form.name, BatchId(batch))


async def look(database: Database, ready: Ready, stage: Stage, report: Report, watch: Watch) -> None:
    """Say what of this is there already, and which comments answer one that is nowhere.

    Raises NotForThisSiteError, StoreUnavailable and StoppedError.
    """
    site, order, done = ready.site.key, ready.order, 0
    if ready.whole is not None:
        await whole.require_room(database, site, ready.whole, stage)
    for names in stage.identities(LOOKED_AT_ONCE):
        watch.tell(LOOK, done, report.comments)
        report.known += len(await database.bulk.read(arriving.known, order, names))
        done += len(names)
    watch.tell(LOOK, done, report.comments)
    orphans = stage.orphans()
    for start in range(0, len(orphans), LOOKED_AT_ONCE):
        part = orphans[start : start + LOOKED_AT_ONCE]
        known = await database.bulk.read(arriving.known, order, {answers for _, answers in part})
        for line, answers in part:
            if answers not in known:
                report.problem(line, MISSING)
    for start in range(0, len(report.posts), LOOKED_AT_ONCE):
        found = report.posts[start : start + LOOKED_AT_ONCE]
        there = await database.bulk.read(_there, site, [PostKey(post.key) for post in found])
        for post in found:
            post.is_there = post.key in there


def _there(tx: Transaction, site: SiteKey, keys: Sequence[PostKey]) -> set[PostKey]:
    return {key for key, post in posts.get_many(tx, site, keys).items() if post.revision > 0}


async def write(database: Database, ready: Ready, stage: Stage, report: Report, watch: Watch) -> None:
    """Write what lies on the stage.

    Raises NotForThisSiteError, StoreUnavailable, and StoppedError when `watch` ends it.
    """
    report.batch, report.known = ready.batch, 0
    if ready.whole is not None:
        await whole.put_back(database, ready.site.key, ready.whole)
    done = 0
    for slice_ in stage.slices(SLICE):
        watch.tell(STEP, done, report.comments)
        await _take(database, ready.order, slice_, report)
        done += len(slice_)
    watch.tell(STEP, done, report.comments)
    for slice_ in stage.gone(SLICE) if ready.updates else ():
        known = await database.bulk.read(arriving.known, ready.order, [one.identity for one in slice_])
        await _take(database, ready.order, [one for one in slice_ if one.identity in known], report)
    if not report.new:  # what came anew belongs to the import that brought it first
        report.batch = None


async def _take(database: Database, order: Import, slice_: Sequence[Staged], report: Report) -> None:
    """Write a slice, and count what became of it.

    A store that does not take it (slow, locked by somebody) gets it in halves, after a while. Whether a late one came
    all the same nobody knows, and it makes no difference: a comment is brought once.
    """
    waiting, failures = [slice_] if slice_ else [], 0
    while waiting:
        part = waiting.pop()
        try:
            brought = await database.bulk.write(importing.bring, order, part)
        except StoreUnavailable:
            failures += 1
            if failures == TRIES:
                raise
            await asyncio.sleep(WAIT_SECONDS)
            middle = (len(part) + 1) // 2
            waiting += [half for half in (part[middle:], part[:middle]) if half]
        else:
            failures = 0
            report.new += brought.new
            report.updated += brought.updated
            report.kept += brought.kept
            report.known += brought.known


async def size(database: Database, site: SiteKey, batch: BatchId) -> int:
    """How many comments of an import are here."""
    return await database.bulk.read(imported.size, site, batch)


async def undo(
    database: Database, site: SiteKey, batch: BatchId, watch: Watch
) -> list[tuple[CommentId, unimporting.Stay]]:
    """Take out what an import brought; what stays of it, and why. Raises StoreUnavailable and StoppedError."""
    total, done = await size(database, site, batch), 0
    while True:
        staying: list[tuple[CommentId, unimporting.Stay]] = []
        before, taken_out = None, 0
        while True:
            watch.tell(UNDO, done, total)
            part = await database.bulk.write(unimporting.take_out, site, batch, before=before, limit=SLICE)
            staying += part.staying
            taken_out, done, before = taken_out + part.taken_out, done + part.taken_out, part.last
            if before is None:
                break
        if not taken_out or not staying:
            return staying
