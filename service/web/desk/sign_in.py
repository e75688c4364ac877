"""Signing in at the desk, and out. No GET does either: a link that signs in by itself would sign anybody in as another.

A token is believed as it is everywhere. But whoever has one could send it from a page of their own in somebody else's
browser, which then would work under their name (login CSRF). So only a page of the site or of the desk signs in at
once; after any other, also one that hides where it stands, the desk asks "Continue as ...?". The button sends a code
that is good once.
"""

from aiohttp import web

from service.auth.login import Credentials
from service.errors import LoginRequired
from service.model import Admission
from service.moderation import desk_sessions, queue
from service.web.call import Call
from service.web.desk import forms, origin, reply, session, ways
from service.web.desk.problems import CodeOver, NeedsHttps


# GET /desk/{site}/sign-in
async def show_sign_in(call: Call) -> web.Response:
    """How to sign in. Who is at the desk already goes to the queue."""
    await session.at_desk(call)
    return _go("./")


# POST /desk/{site}/sign-in
async def sign_in(call: Call, form: forms.SignInForm) -> web.Response:
    """Take a token: from a page of the blog, or pasted."""
    ways.remember(call, form.next)
    _require_secure(call)
    caller = await call.services.authenticator.caller(call.site_key, Credentials(bearer=form.token.strip()))
    if caller is None:
        raise LoginRequired
    admission = session.admission(call.site, caller)
    if not origin.is_known_page(call):
        code, _ = await call.database.write(desk_sessions.offer_code, admission)
        return await _ask(call, admission, code, form.next)
    secret = await call.database.write(desk_sessions.sign_in, admission, replaces=session.secret_in(call))
    return _signed_in(call, secret, form.next)


# GET /desk/{site}/enter
async def show_code(call: Call, query: forms.Code) -> web.Response:
    """Whom a code would sign in. Nothing changes: whatever looks at links ahead of a person does not use it up."""
    ways.remember(call, query.next)
    _require_secure(call)
    rules = session.rules_of(call.site)
    admission = await call.database.read(desk_sessions.whose_code, call.site_key, query.code, role_rules=rules)
    if admission is None:
        raise CodeOver
    return await _ask(call, admission, query.code, query.next)


# POST /desk/{site}/enter
async def enter(call: Call, form: forms.Code) -> web.Response:
    """Use a code up."""
    ways.remember(call, form.next)
    _require_secure(call)
    origin.require_own_page(call)
    rules, former = session.rules_of(call.site), session.secret_in(call)
    secret = await call.database.write(desk_sessions.enter, call.site_key, form.code, role_rules=rules, replaces=former)
    if secret is None:
        raise CodeOver
    return _signed_in(call, secret, form.next)


# POST /desk/{site}/sign-out
async def sign_out(call: Call, form: forms.Form) -> web.Response:
    """End the session, and give back what its moderator holds. Who has none is told to log out at the blog."""
    moderator = await session.sender_of(call, form.csrf)
    found = session.session_at_hand(call)
    if found is None:
        await call.database.write(queue.release, call.site_key, moderator)
        return await reply.page(call, "signed_in_elsewhere.html", moderator=moderator)
    await call.database.write(desk_sessions.sign_out, found)
    response = _go("sign-in")
    session.drop_secret(response, call.site_key)
    return response


def _require_secure(call: Call) -> None:
    if not origin.is_secure(call):
        raise NeedsHttps


async def _ask(call: Call, admission: Admission, code: str, wanted: str) -> web.Response:
    return await reply.page(call, "continue.html", moderator=None, name=admission.name, code=code, next=wanted)


def _go(place: str) -> web.Response:
    """To another page beside this one, by GET."""
    return web.Response(status=303, headers={**reply.HEADERS, "Location": place})


def _signed_in(call: Call, secret: str, wanted: str) -> web.Response:
    response = reply.go_back(call, wanted)
    session.keep_secret(response, call.site_key, secret)
    return response
