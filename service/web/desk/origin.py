"""From which page a request to the desk comes, and over what. Looked at before a form or a cookie is believed.

The desk's pages stand on the service's own origin, which need not be one of a site's. So here this rule takes the place
of the list of `origins`, also for those whom a blog's cookie or a proxy's headers bring along.
"""

from ipaddress import ip_address
from typing import Final

from aiohttp import web

from service.errors import OriginRefused
from service.origins import origin_of
from service.web.call import Call

FETCH_SITE: Final = "Sec-Fetch-Site"
FORWARDED_PROTO: Final = "X-Forwarded-Proto"
SCHEMES: Final = ("http", "https")


def require_own_page(call: Call) -> None:
    """Raise OriginRefused unless a page of the desk sent this form. Browsers say so, and no page can change it."""
    if not _is_own(call):
        raise OriginRefused("This must come from a page of the desk")


def is_known_page(call: Call) -> bool:
    """Whether a page of the site or of the desk sent this form. A page that hides where it stands is not known."""
    return _is_own(call) or _origin(call) in call.site.origins


def is_secure(call: Call) -> bool:
    """Whether a browser would keep the desk's cookie: over https, and over http on its own machine.

    Nothing says so for certain, because a proxy speaks https for the service. Browsers send `Sec-Fetch-Site` only to
    where they would.
    """
    if FETCH_SITE in call.request.headers or _is_own_machine(call.request):
        return True
    public = origin_of(call.services.settings.server.public_url or "")
    return _scheme(call) == "https" or public == f"https://{call.request.host.lower()}"


def seen_by_browser(call: Call) -> str:
    """The origin by which this browser has reached the desk, as far as that is known: a proxy may speak https."""
    scheme = _scheme(call)
    if scheme is None:
        scheme = "https" if is_secure(call) and not _is_own_machine(call.request) else "http"
    return f"{scheme}://{call.request.host.lower()}"


def _is_own(call: Call) -> bool:
    fetch_site = call.request.headers.get(FETCH_SITE)
    return fetch_site == "same-origin" or (fetch_site is None and _origin(call) in _own(call))


def _origin(call: Call) -> str:
    return call.request.headers.get("Origin", "")


def _own(call: Call) -> set[str]:
    """The origins of the desk itself, as far as is known how browsers reach it."""
    scheme = _scheme(call)
    asked = {f"{name}://{call.request.host.lower()}" for name in ([scheme] if scheme else SCHEMES)}
    public = origin_of(call.services.settings.server.public_url or "")
    return asked | ({public} if public else set())


def _scheme(call: Call) -> str | None:
    """What the proxy says that the browser speaks with it; None where no trusted one says so."""
    addresses = call.services.addresses
    if not addresses.is_trusted(addresses.peer(call.request)):
        return None
    said = call.request.headers.get(FORWARDED_PROTO, "").partition(",")[0].strip().lower()
    return said if said in SCHEMES else None


def _is_own_machine(request: web.Request) -> bool:
    """Whether the address in the browser is that of its own machine (W3C "Secure Contexts", 3.1)."""
    host = request.url.host or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
