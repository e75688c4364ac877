"""A reader's text on its way into the store: what the site's policy says of it is counted. Called by `readers`."""

from collections.abc import Callable
from typing import TypeVar

from service.moderation import judging
from service.moderation.judging import Refused
from service.store.database import Transaction
from service.triage.judgement import Judgement
from service.web.call import Call

Kept = TypeVar("Kept")
OTHERWISE = "otherwise"


async def judged(call: Call, work: Callable[..., Kept]) -> Kept:
    """What `work` does in one transaction, which is told as `noted` what was judged.

    Of a refused text only the counts of the rules stay. Raises what `work` raises.
    """
    heard: list[Judgement] = []

    def do(tx: Transaction) -> Kept:
        heard.clear()  # a transaction may be begun anew
        return work(tx, noted=heard.append)

    try:
        kept = await call.database.write(do)
    except Refused as refused:
        await call.database.write(judging.count_refused, call.site.rules, refused.judgement)
        _measure(call, refused.judgement)
        raise
    for judgement in heard:
        _measure(call, judgement)
    return kept


def _measure(call: Call, judgement: Judgement) -> None:
    if judgement.policy_version == 0:
        return
    metrics = call.services.metrics
    for rule in judgement.by or (OTHERWISE,):
        metrics.judgements.labels(call.site_key, judgement.outcome, rule).inc()
    for failure in judgement.facts.failures:
        metrics.checks_not_run.labels(call.site_key, failure.check).inc()
