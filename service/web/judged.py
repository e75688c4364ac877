"""A reader's text on its way into the store: checks look at it, and what the site's policy says of it is counted.

Called by `readers`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from service.model import SiteKey
from service.moderation import judging, lists
from service.moderation.judging import Refused
from service.moderation.submissions import Draft
from service.store.database import Database, Transaction
from service.triage.judgement import Judgement
from service.triage.lists.compiled import Lists
from service.web.call import Call

Kept = TypeVar("Kept")
OTHERWISE = "otherwise"
LONG_TEXT = 1_000
"""Characters beyond which a text is looked at (and rendered) on another thread: the worst take long."""


async def judged(call: Call, draft: Draft, work: Callable[..., Kept]) -> Kept:
    """What `work` does in one transaction with the draft, at which checks have looked. It is told as `noted` what was
    judged.

    Of a refused text only the counts of the rules stay. Raises what `work` raises.
    """
    heard: list[Judgement] = []

    def do(tx: Transaction, draft: Draft) -> Kept:
        heard.clear()  # a transaction may be begun anew
        return work(tx, draft=draft, noted=heard.append)

    async def done() -> Kept:
        looked_at = await _looked_at(call, draft)
        while True:
            try:
                return await call.database.write(do, looked_at)
            except lists.NotCompiled:  # again only where somebody has changed them once more meanwhile
                made = await compiled(call.database, call.site_key, call.services.compiling)
                looked_at = await asyncio.to_thread(_with, draft, made)

    try:
        kept = await done()
    except Refused as refused:
        await call.database.write(judging.count_refused, call.site.rules, refused.judgement)
        _measure(call, refused.judgement)
        raise
    for judgement in heard:
        _measure(call, judgement)
    return kept


async def compiled(database: Database, site: SiteKey, turn: asyncio.Lock) -> Lists:
    """The lists of a site as they are now, compiled once for however many ask at once, outside the transactions."""
    async with turn:
        kept = await database.read(lists.as_kept, site)
        return await asyncio.to_thread(lists.compile_lists, site, kept)


def _with(draft: Draft, lists_of_site: Lists) -> Draft:
    return replace(draft, looked=judging.look(draft.body, draft.html, lists_of_site))


async def _looked_at(call: Call, draft: Draft) -> Draft:
    """The draft with what checks find, where rules of the site will probably want it."""
    needed = (call.site.rules, draft.body, draft.html)
    if len(draft.body) > LONG_TEXT:
        return replace(draft, looked=await asyncio.to_thread(judging.look_if_needed, *needed))
    return replace(draft, looked=judging.look_if_needed(*needed))


def _measure(call: Call, judgement: Judgement) -> None:
    if judgement.policy_version == 0:
        return
    metrics = call.services.metrics
    for rule in judgement.by or (OTHERWISE,):
        metrics.judgements.labels(call.site_key, judgement.outcome, rule).inc()
    for failure in judgement.facts.failures:
        metrics.checks_not_run.labels(call.site_key, failure.check).inc()
