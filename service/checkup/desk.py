"""Can moderators come in at a site's desk: is somebody one, does the blog's login reach it, does its page answer?

What a person alone can try, the button on the blog's own page, is not tried.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from service.auth.forwarded import ForwardedLogin
from service.auth.jwt import JwtLogin
from service.auth.kinds import LoginSettings
from service.auth.oidc import OidcLogin
from service.auth.session import SessionLogin
from service.checkup.finding import Finding, fail, ok, warn
from service.checkup.sites import OWN_MACHINE
from service.outbound.client import CallError, Outbound, Terms
from service.settings import Server, Site

TERMS = Terms("check", total_seconds=5.0, max_bytes=256 * 1024)
SIGN_IN_PAGE = b'data-page="sign-in"'
BY_LINK = "`gatepost desk` prints links that sign moderators in"


async def examine(site: Site, server: Server, client: Outbound) -> list[Finding]:
    """The desk of one site. `client` asks for its sign-in page, where the configuration says how it is reached."""
    subject = f"desk {site.key}"
    found = [ok(subject, f"is at {server.address}/desk/{site.key}/; moderators come in {_ways(site)}")]
    found += _without_roles(site, subject)
    if server.public_url is None:
        return found
    if urlsplit(server.public_url).scheme == "http" and urlsplit(server.public_url).hostname not in OWN_MACHINE:
        text = "is reached over http, where a browser does not keep anybody signed in"
        found.append(fail(subject, text, 'serve it over https, and set server.public_url = "https://..."'))
    found += _out_of_reach(site, urlsplit(server.public_url).hostname or "", subject)
    return [*found, *await _page(site, server.public_url, client, subject)]


def _ways(site: Site) -> str:
    """How, in words, by the kinds of login that may make somebody a moderator."""
    logins = [login for login in site.login if login.may_moderate]
    ways = []
    if any(_cookies(login) for login in logins):
        ways.append("with the blog's cookie")
    if any(isinstance(login, ForwardedLogin) for login in logins):
        ways.append("through the proxy that logs them in")
    if any(not isinstance(login, SessionLogin | ForwardedLogin) for login in logins):
        ways.append("by a form of the blog with their token")
    return ", or ".join([*ways, "by a link that `gatepost desk` prints"])


def _cookies(login: LoginSettings) -> tuple[str, ...]:
    if isinstance(login, SessionLogin):
        return login.cookies
    return (login.cookie,) if isinstance(login, JwtLogin | OidcLogin) and login.cookie else ()


def _without_roles(site: Site, subject: str) -> Iterator[Finding]:
    """Logins that seem to make moderators and never do."""
    for login in site.login:
        if isinstance(login, ForwardedLogin) and login.may_moderate and login.headers.roles is None:
            text = f"nobody who comes by {login.label} is a moderator: its headers name no roles"
            fix = f'name the header with the roles: headers.roles = "X-Forwarded-Groups", or {BY_LINK}'
            yield warn(subject, text, fix)


def _out_of_reach(site: Site, host: str, subject: str) -> Iterator[Finding]:
    """Cookies of a blog that stands somewhere else altogether."""
    named = sorted({name for login in site.login if login.may_moderate for name in _cookies(login)})
    blogs = [urlsplit(origin).hostname or "" for origin in site.origins]
    if not named or not blogs or any(_may_share(blog, host) for blog in blogs):
        return
    text = f"the blog's cookie ({', '.join(named)}) does not reach {host}"
    fix = "let the blog's web server hand /desk/ on, or serve Gatepost on a host beside the blog's"
    yield warn(subject, text, f"{fix}; {BY_LINK} meanwhile")


def _may_share(one: str, other: str) -> bool:
    """Whether a cookie of one host may be one of the other's as well: they have a name above both in common. (Of
    `co.uk` this says yes; what is wrong then is not found here.)"""
    if one == other:
        return True
    if _is_address(one) or _is_address(other):
        return False
    return one.split(".")[-2:] == other.split(".")[-2:]


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def _page(site: Site, public_url: str, client: Outbound, subject: str) -> list[Finding]:
    """Whether the page to sign in is there for somebody who is not signed in."""
    address = f"{public_url}/desk/{site.key}/sign-in"
    try:
        async with client.call("GET", address, TERMS) as answer:
            status, body = answer.status, await answer.body()
    except CallError as fault:
        fix = fault.fix or "start the service, and see that the proxy leads there"
        return [warn(subject, f"its page does not answer from this machine: {fault}", fix)]
    if status in (401, 403) and SIGN_IN_PAGE in body:
        return [ok(subject, "its page to sign in answers")]
    if any(isinstance(login, ForwardedLogin) for login in site.login) and status in (301, 302, 303, 307, 308, 401, 403):
        return [ok(subject, f"the proxy asks for its login first ({status})")]
    if status in (502, 503, 504):
        return [warn(subject, f"the proxy answers in its place ({status})", "start the service, and run this again")]
    fix = "let the proxy hand /desk/ on to Gatepost, as it does with /v1/, and the path unchanged"
    return [warn(subject, f"another page answers at {address} ({status})", fix)]
