"""The hand-over from the blog: its server or its page asks for an address that signs a moderator in at the desk."""

from service.moderation import desk_sessions
from service.reading.show import timestamp
from service.web import outgoing
from service.web.call import Call, Reply
from service.web.desk import session


# POST /v1/sites/{site}/desk/codes
async def offer_code(call: Call) -> Reply[outgoing.DeskCode]:
    """An address that signs the caller in at the desk: once, within a minute.

    Send the browser there. It shows a page with one button, because nobody may be signed in by following a link.
    """
    await call.moderator()
    admission = session.admission(call.site, await call.somebody())
    code, ends_at = await call.database.write(desk_sessions.offer_code, admission)
    address = call.services.links.to(f"/desk/{call.site_key}/enter?code={code}")
    return Reply({"url": address, "expires_at": timestamp(ends_at)}, 201)
