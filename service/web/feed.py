"""The event feed: what happened on a site, for programs of its moderators. Webhooks tell the same."""

import asyncio
from contextlib import suppress

from service.delivery import outside_feed
from service.delivery.outside_events import Share
from service.delivery.outside_shapes import EventFeed
from service.web import queries
from service.web.call import Call, Reply


# GET /v1/sites/{site}/events
async def list_events(call: Call, query: queries.FeedQuery) -> Reply[EventFeed]:
    """What happened on the site, oldest first, as webhooks tell it.

    Go on behind `last_seq`, also where there are no `events`: the filter may have left some out. With `wait` an empty
    answer is held back until something happens.
    """
    share = Share(query.share)
    await (call.admin() if share is Share.PEOPLE else call.moderator())
    site, arrivals = call.site, call.services.arrivals
    until = asyncio.get_running_loop().time() + query.wait
    after = query.after
    with arrivals.bell(site.key) as bell:
        while True:
            bell.clear()
            found = await call.database.read(
                outside_feed.read, site, after, wanted=query.types, share=share, limit=query.limit
            )
            left = until - asyncio.get_running_loop().time()
            if found.told or left <= 0 or arrivals.is_closed:
                return Reply({"events": found.told, "last_seq": found.last_seq})
            after = found.last_seq
            if found.is_all:
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await bell.wait()
