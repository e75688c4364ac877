"""Who is at the desk: the one place that says so. Called by every page of it.

The desk's pages stand on the service's own origin, which need not be one of the site's: so in place of the list of
`origins`, a form must come from a page of the desk.
"""

from urllib.parse import urlsplit

from service.auth.permissions import Permission, permissions_of
from service.errors import Forbidden, LoginRequired, OriginRefused
from service.model import Actor, ActorKind
from service.web.call import WRITES, Call


async def moderator_of(call: Call) -> Actor:
    """The moderator of this site who asks. Raises LoginRequired, Forbidden, and what `Call.holder` raises."""
    caller = await call.holder()
    if caller is None:
        raise LoginRequired
    if Permission.MODERATE not in permissions_of(caller):
        raise Forbidden("This needs the role of a moderator of this site")
    return caller.acting_as(ActorKind.MODERATOR)


async def sender_of(call: Call, form_token: str) -> Actor:
    """The moderator who sent this form. Raises OriginRefused where its token is not theirs, and what `moderator_of`
    raises."""
    moderator = await moderator_of(call)
    if form_token != form_token_of(call, moderator):
        raise OriginRefused("This form was not made for you, or too long ago. Reload the page, and try again")
    return moderator


def form_token_of(call: Call, moderator: Actor) -> str:
    """What every form of the desk carries, so that nobody else's page can send one."""
    return str(call.services.cursors.issue(f"desk form\0{call.site_key}\0{moderator.key}", (0,)))


async def admit(call: Call) -> None:
    """What holds before anything is looked at. Raises OriginRefused, SlowDown, and what `moderator_of` raises."""
    if call.request.method in WRITES:
        _require_own_page(call)
    moderator = await moderator_of(call)
    await call.services.limits.moderate_by(call.site_key, moderator.key)


def _require_own_page(call: Call) -> None:
    headers = call.request.headers
    fetch_site = headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        if fetch_site == "same-origin":
            return
    elif urlsplit(headers.get("Origin", "")).netloc == call.request.host:
        return
    raise OriginRefused("This must come from a page of the desk")
