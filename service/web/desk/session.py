"""Who is at the desk: the one place that says so. Called by every page of it.

Whoever signed in here has a cookie whose secret opens a session of one site. Each site has a cookie of its own: a form
that another host's page sends comes without cookies (`SameSite=Lax`), so what signs in at one site could not know the
sessions at others, and must leave them alone. Whom the blog's cookie or a proxy vouches for needs no session: the
site's logins are asked with every request.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from service.auth.permissions import Permission, permissions_by, permissions_of, role_rules
from service.errors import Forbidden, LoginRequired, StoreUnavailable
from service.model import Actor, ActorKind, Admission, AuthorKey, Caller, DeskSession, Role, SiteKey
from service.moderation import desk_sessions
from service.settings import Site
from service.web.call import WRITES, Call
from service.web.desk import origin
from service.web.desk.problems import FormOver, NoRole

COOKIE: Final = "__Host-gatepost-desk-"


@dataclass(frozen=True, slots=True)
class AtDesk:
    """A moderator at the desk of one site. `session` is None for whom the site's logins know without one."""

    moderator: Actor
    roles: frozenset[Role]
    session: DeskSession | None


_AT_DESK: Final[web.RequestKey[AtDesk]] = web.RequestKey("at_desk", AtDesk)


async def moderator_of(call: Call) -> Actor:
    """The moderator of this site who asks. Raises what `at_desk` raises."""
    return (await at_desk(call)).moderator


async def at_desk(call: Call) -> AtDesk:
    """The same, with what they may do and by which session. Asked once, however often it is called.

    Raises LoginRequired, NoRole, and what `Call.holder` raises.
    """
    if _AT_DESK not in call.request:
        call.request[_AT_DESK] = await look(call)
    return call.request[_AT_DESK]


async def look(call: Call) -> AtDesk:
    """Who is at the desk now, for a request that goes on for longer than a right does. Raises what `at_desk` raises."""
    session = await _session(call)
    if session is not None:
        who = session.admission
        return AtDesk(Actor(ActorKind.MODERATOR, who.author_key, who.name), who.roles, session)
    caller = await call.holder()
    if caller is None:
        raise LoginRequired
    require_role(call.site, caller)
    return AtDesk(caller.acting_as(ActorKind.MODERATOR), caller.roles, None)


def session_at_hand(call: Call) -> DeskSession | None:
    """The session by which somebody is at the desk, where `at_desk` has found one."""
    found = call.request.get(_AT_DESK)
    return found.session if found else None


async def sender_of(call: Call, form_token: str) -> Actor:
    """The moderator who sent this form. Raises FormOver where its token is not theirs, and what `moderator_of`
    raises."""
    moderator = await moderator_of(call)
    if not call.services.form_tokens.is_good(_holder(call, moderator), form_token):
        raise FormOver(moderator.name, form_token_of(call, moderator))
    return moderator


async def may_configure(call: Call) -> bool:
    """Whether the moderator who asks may change the site's policy. Raises what `moderator_of` raises."""
    return Permission.CONFIGURE in permissions_by((await at_desk(call)).roles)


async def admin_of(call: Call, form_token: str) -> Actor:
    """The moderator who sent this form and may configure the site. Raises Forbidden, and what `sender_of` raises."""
    moderator = await sender_of(call, form_token)
    if not await may_configure(call):
        raise Forbidden("This needs the role of an admin of this site")
    return moderator


def form_token_of(call: Call, moderator: Actor) -> str:
    """What every form of the desk carries, so that nobody else's page can send one."""
    return call.services.form_tokens.issue(_holder(call, moderator))


async def admit(call: Call) -> None:
    """What holds before anything is looked at. Raises OriginRefused, SlowDown, and what `moderator_of` raises."""
    if call.request.method in WRITES:
        origin.require_own_page(call)
    moderator = await moderator_of(call)
    await call.services.limits.moderate_by(call.site_key, moderator.key)


def admission(site: Site, caller: Caller) -> Admission:
    """What lets a person in at the desk. Raises NoRole, and Forbidden for an API key, which is no person."""
    require_role(site, caller)
    if caller.identity is None:
        raise Forbidden("An API key is for programs. Sign in with a moderator's own login")
    return Admission(site.key, AuthorKey(caller.key), caller.profile.name, caller.roles, rules_of(site))


def require_role(site: Site, caller: Caller) -> None:
    """Raise NoRole unless this is a moderator of the site."""
    if Permission.MODERATE in permissions_of(caller):
        return
    login = next((login for login in site.login if caller.identity and login.label == caller.identity.login), None)
    roles = (login.roles if login else None) or site.roles
    counts = login is None or login.may_moderate
    raise NoRole(
        caller.profile.name,
        seen=caller.identity.said_roles if caller.identity else (),
        moderator=roles.moderator if counts else (),
        admin=roles.admin if counts else (),
    )


def rules_of(site: Site) -> str:
    """A mark of what makes a moderator of this site."""
    return role_rules(site.roles, site.login)


def secret_in(call: Call) -> str | None:
    """The secret of the session at this site that the browser has, good or not."""
    return call.request.cookies.get(COOKIE + call.site_key)


def keep_secret(response: web.Response, site: SiteKey, secret: str) -> None:
    """Let the browser have the secret of a session."""
    _set_cookie(response, site, secret, seconds=desk_sessions.SESSION_SECONDS)


def drop_secret(response: web.Response, site: SiteKey) -> None:
    """Let the browser forget it."""
    _set_cookie(response, site, "", seconds=0)


def _set_cookie(response: web.Response, site: SiteKey, value: str, *, seconds: int) -> None:
    name = COOKIE + site
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="Lax")


async def _session(call: Call) -> DeskSession | None:
    secret = secret_in(call)
    if secret is None:
        return None
    session = await call.database.read(desk_sessions.find, call.site_key, secret, role_rules=rules_of(call.site))
    if session is not None and desk_sessions.is_due(session, call.services.clock()):
        with suppress(StoreUnavailable):  # a page can be read all the same
            await call.database.write(desk_sessions.see, session)
    return session


def _holder(call: Call, moderator: Actor) -> str:
    """Whose forms these are: those of a session, so that they end with it; else the moderator's."""
    session = session_at_hand(call)
    return f"session\0{session.id}" if session else f"author\0{call.site_key}\0{moderator.key}"
