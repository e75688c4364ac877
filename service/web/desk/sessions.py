"""Who is signed in at the desk: a part of its settings, and the form that ends a session.

A moderator sees and ends their own sessions, an admin of the site everybody's there.
"""

from dataclasses import dataclass

from aiohttp import web

from service.model import AuthorKey, DeskSession, DeskSessionId, Role
from service.moderation import desk_sessions
from service.web.call import Call
from service.web.desk import forms, reply, session
from service.web.desk.session import AtDesk


@dataclass(frozen=True, slots=True)
class SessionView:
    """One of them, as `sessions.html` shows it. `is_this`: it is this browser's."""

    session: DeskSession
    is_this: bool


async def seen_by(call: Call) -> list[SessionView]:
    """The sessions that whoever is at the desk may see, newest first: the value `sessions` of `sessions.html`."""
    here = await session.at_desk(call)
    rules = session.rules_of(call.site)
    found = await call.database.read(desk_sessions.of_site, call.site_key, role_rules=rules, of=_whose(here))
    mine = here.session.id if here.session else None
    return [SessionView(each, each.id == mine) for each in found]


# POST /desk/{site}/sessions
async def end_session(call: Call, form: forms.EndSessionForm) -> web.Response:
    """End a session: one's own, or as an admin anybody's. One that has ended is as well."""
    await session.sender_of(call, form.csrf)
    here = await session.at_desk(call)
    session_id = DeskSessionId(form.id)
    await call.database.write(desk_sessions.revoke, call.site_key, session_id, of=_whose(here))
    return reply.go_back(call, "settings")


def _whose(here: AtDesk) -> AuthorKey | None:
    """None: everybody's."""
    return None if Role.ADMIN in here.roles else AuthorKey(here.moderator.key)
