"""The moderators' desk: the queue's page. The first line of each asks who is at the desk."""

from typing import Final

from aiohttp import web

from service.desk import files
from service.errors import NotFound
from service.web import desk_reply, static_files
from service.web.call import Call
from service.web.desk_session import moderator_of

FILE_HEADERS: Final = {
    name: value
    for name, value in desk_reply.HEADERS.items()
    if name not in ("Cache-Control", "Content-Security-Policy")
}


# GET /desk/{site}/
async def show_queue(call: Call) -> web.Response:
    """What somebody must look at."""
    moderator = await moderator_of(call)
    return desk_reply.page(call, "queue.html", moderator=moderator)


# GET /desk/static/{pin}/{file}
async def show_file(call: Call) -> web.Response:
    """The style sheet, the script, or the icon."""
    match = call.request.match_info
    found = files.all_of_them().get(match["file"])
    if found is None or match["pin"] != files.pin():
        raise NotFound
    return static_files.reply(call, found, cache_control=static_files.PINNED, headers=FILE_HEADERS)
