"""May caches between the service and readers show what was taken down, and does whoever is to purge them answer?"""

from service.checkup.finding import Finding, fail, ok, warn
from service.delivery.purge_call import PurgeCall, PurgeError
from service.metrics import Metrics
from service.outbound.client import Outbound
from service.settings import Cache

SUBJECT = "shared caches"
PURGE = "cache purge"
MADE_UP_TAG = "gatepost-check"
"""No page has it, so nothing is purged."""


async def examine(cache: Cache) -> list[Finding]:
    """How long they may keep a page; and the purge, tried with a tag that no page has."""
    seconds = cache.s_maxage_seconds + cache.stale_while_revalidate_seconds
    if cache.purge.url is None:
        if not seconds:
            return [ok(SUBJECT, "ask for every read")]
        text = f"may show a comment for {seconds} seconds after it was taken down: nobody purges them"
        return [warn(SUBJECT, text, "set cache.purge.url, or s_maxage_seconds and stale_while_revalidate_seconds to 0")]
    kept = f"may keep a page for {seconds} seconds, and are purged" if seconds else "ask for every read"
    return [ok(SUBJECT, kept), await _tried(cache)]


async def _tried(cache: Cache) -> Finding:
    try:
        async with Outbound(Metrics()) as client:
            await PurgeCall(cache.purge, client).purge([MADE_UP_TAG])
    except ValueError as error:
        return fail(PURGE, "cannot be called", str(error))
    except PurgeError as error:
        fix = "see that cache.purge fits what the cache expects, and that it lets this machine purge"
        return fail(PURGE, f"does not work: {error}", error.fix or fix)
    return ok(PURGE, "the cache takes it")
