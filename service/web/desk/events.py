"""What the desk's script hears of the queue, with the right to see the desk's pages."""

from service.web import incoming, queries
from service.web.call import Call
from service.web.desk import session
from service.web.stream import EventStream


# GET /desk/{site}/events
async def follow_queue(call: Call, query: queries.StreamQuery, headers: incoming.StreamHeaders) -> EventStream:
    """The same news as the API's stream of the queue, for as long as somebody may be at the desk."""
    await session.moderator_of(call)
    last_id = headers.last_event_id or query.last_event_id
    return EventStream(call, (call.site_key, None), last_id, may_listen=session.look)
