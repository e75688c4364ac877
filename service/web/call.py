"""One request, as handlers see it: which site, who is speaking, and how to reply."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import quote, unquote_to_bytes, urlencode
from uuid import UUID

import pydantic_core
from aiohttp import web

from service.auth.authenticator import Authenticator
from service.auth.login import Credentials
from service.auth.permissions import Permission, permissions_of
from service.delivery.arrivals import Arrivals
from service.delivery.live import Live
from service.errors import (
    Forbidden,
    InvalidRequest,
    LoginRequired,
    MalformedRequest,
    OriginRefused,
    Problem,
    UnknownAuthor,
    UnknownComment,
    UnknownDecision,
    UnknownSite,
)
from service.metrics import Metrics
from service.model import (
    Actor,
    ActorKind,
    AuthorKey,
    Caller,
    Clock,
    CommentId,
    DecisionId,
    Identity,
    PostKey,
    Role,
    SiteKey,
)
from service.origins import is_own_page
from service.reading.pages import Pages
from service.settings import Settings, Site
from service.store.database import Database
from service.strict_json import is_clean
from service.web import post_keys
from service.web.address import Addresses
from service.web.cursors import Cursors
from service.web.form_tokens import FormTokens
from service.web.header_lists import JoinedHeaders
from service.web.limits import RateLimits
from service.web.links import Links
from service.webhooks.webhook import Webhook

Payload = TypeVar("Payload")
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PATH_CHARACTERS = "/%!$&'()*+,;=:@"
"""What may stand in a path as it is, beside letters, digits and `-._~` (RFC 3986, 3.3)."""
PLACES = frozenset({"cursor", "around"})
"""What says in a query where a list begins."""
SANE_FETCH_SITES = frozenset({"same-origin", "same-site", "cross-site"})
SINGLE = ("Authorization", "Cookie", "Origin", "Sec-Fetch-Site")
"""Headers that say who asks and from where: of two, one may be a stranger's, and nobody can know which."""
BROWSERS_OWN = frozenset({"basic", "digest", "negotiate", "ntlm"})
"""Schemes that a browser answers by itself, to a host that asked for a password before a whole blog. They are no
credential of ours: what a page shows us is a `Bearer` token, and anything else in its place is a bad one."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the composition root hands to the web room. `feeds` is the namespace of this store's feeds."""

    settings: Settings
    database: Database
    pages: Pages
    live: Live
    arrivals: Arrivals
    webhooks: Mapping[tuple[SiteKey, str], Webhook]
    authenticator: Authenticator
    cursors: Cursors
    form_tokens: FormTokens
    feeds: UUID
    limits: RateLimits
    links: Links
    metrics: Metrics
    addresses: Addresses
    clock: Clock
    large_bodies: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a call with a large body is answered."""
    compiling: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while lists are compiled: who waits for it finds them made."""


@dataclass(frozen=True, slots=True)
class Reply(Generic[Payload]):
    """A handler's answer. `payload` is what the OpenAPI document promises for this status, or that as JSON text."""

    payload: Payload | bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Call:
    """One request to one handler."""

    def __init__(self, request: web.Request, services: Services) -> None:
        self.request = request
        self.services = services
        self.database = services.database
        self._is_asked = False
        self._caller: Caller | None = None

    @property
    def site(self) -> Site:
        """The site in the path. Raises UnknownSite."""
        site = self.services.settings.sites.get(self.request.match_info["site"])
        if site is None:
            raise UnknownSite
        return site

    @property
    def site_key(self) -> SiteKey:
        """The site's name in the path."""
        return self.site.key

    @property
    def post_key(self) -> PostKey:
        """The blog's key of the post in the path. Raises InvalidRequest where it is none."""
        key = self.request.match_info["post"]
        if not is_utf8(self.request.rel_url.raw_path):  # else two addresses would mean one post
            raise InvalidRequest([("/post", "must be UTF-8 without NUL")])
        mistake = post_keys.mistake_in(key)
        if mistake is not None:
            raise InvalidRequest([("/post", mistake)])
        return PostKey(key)

    @property
    def comment_id(self) -> CommentId:
        """The comment in the path. Raises UnknownComment where it cannot be one."""
        return CommentId(self.known("id", UnknownComment))

    @property
    def decision_id(self) -> DecisionId:
        """The decision in the path. Raises UnknownDecision where it cannot be one."""
        return DecisionId(self.known("id", UnknownDecision))

    @property
    def author_key(self) -> AuthorKey:
        """The author in the path. Raises UnknownAuthor where it cannot be one."""
        return AuthorKey(self.known("key", UnknownAuthor))

    def known(self, name: str, unknown: type[Problem]) -> str:
        """A key in the path; one that no database could hold is not known."""
        key = self.request.match_info[name]
        if not is_clean(key):
            raise unknown
        return key

    # --- Who is speaking ------------------------------------------------------------------------------------------

    async def caller(self) -> Caller | None:
        """Who is speaking, or None without a credential.

        Raises OriginRefused for a write that rests on a cookie and does not come from one of the site's own pages, and
        what `holder` raises.
        """
        caller = await self.holder()
        if caller is not None and caller.is_ambient:
            self._require_own_page()
        return caller

    async def holder(self) -> Caller | None:
        """Whose credential came with the request, whatever page sent it. Asked once, however often it is called.

        Raises InvalidCredential or LoginUnavailable.
        """
        if not self._is_asked:
            self._caller = await self.services.authenticator.caller(self.site_key, self._credentials())
            self._is_asked = True
        return self._caller

    async def reader(self) -> tuple[AuthorKey, Identity, Caller]:
        """A logged-in person of the blog. Raises LoginRequired, Forbidden (an API key) and what `caller` raises."""
        caller = await self.somebody()
        if caller.identity is None:
            raise Forbidden("An API key cannot act as a reader: use a reader's own login")
        return AuthorKey(caller.key), caller.identity, caller

    async def moderator(self) -> Actor:
        """Somebody who may moderate this site. Raises LoginRequired, Forbidden and what `caller` raises."""
        return await self._who_may(Permission.MODERATE, Role.MODERATOR)

    async def admin(self) -> Actor:
        """Somebody who may configure this site. Raises LoginRequired, Forbidden and what `caller` raises."""
        return await self._who_may(Permission.CONFIGURE, Role.ADMIN)

    async def somebody(self) -> Caller:
        """Anybody with a good credential. Raises LoginRequired and what `caller` raises."""
        caller = await self.caller()
        if caller is None:
            raise LoginRequired
        return caller

    async def _who_may(self, permission: Permission, role: Role) -> Actor:
        caller = await self.somebody()
        if permission not in permissions_of(caller):
            raise Forbidden(f"This needs the role of {'an' if role is Role.ADMIN else 'a'} {role} of this site")
        return caller.acting_as(ActorKind.MODERATOR)

    def require_single_headers(self) -> None:
        """Raise MalformedRequest where a header came twice that says who asks and from where."""
        for name in SINGLE:
            if len(self.request.headers.getall(name, ())) > 1:
                raise MalformedRequest(f"Send one {name} header, not several")

    def _credentials(self) -> Credentials:
        peer = self.services.addresses.peer(self.request)
        return Credentials(
            bearer=_bearer(self.request.headers.get("Authorization")),
            cookies=self.request.cookies if "Cookie" in self.request.headers else {},
            headers=JoinedHeaders(self.request.headers),
            peer=peer,
            trusted_peer=self.services.addresses.is_trusted(peer),
        )

    def _require_own_page(self) -> None:
        """Raise OriginRefused unless a write comes from one of the site's pages: browsers send cookies with any page's
        forms."""
        if self.request.method not in WRITES:
            return
        fetch_site = self.request.headers.get("Sec-Fetch-Site", "same-origin").lower()
        if self.request.headers.get("Origin") not in self.site.origins or fetch_site not in SANE_FETCH_SITES:
            raise OriginRefused("A write with a cookie must come from one of the site's own pages")

    # --- Lists --------------------------------------------------------------------------------------------------------

    def position(self, cursor: str | None, *scope: str) -> tuple[str | int, ...] | None:
        """Where `cursor` points in this list. Raises BadCursor."""
        return self.services.cursors.read(self._scope(scope), cursor)

    def cursor(self, position: tuple[str | int, ...] | None, *scope: str) -> str | None:
        """A cursor for `position` in this list."""
        return self.services.cursors.issue(self._scope(scope), position)

    def next_link(self, cursor: str | None) -> dict[str, str]:
        """The `Link` header (RFC 8288) to the rest of the list."""
        if cursor is None:
            return {}
        query = [(name, value) for name, value in self.request.query.items() if name not in PLACES]
        path = quote(self.request.rel_url.raw_path, safe=PATH_CHARACTERS)
        rest = self.services.links.to(f"{path}?{urlencode([*query, ('cursor', cursor)])}")
        return {"Link": f'<{rest}>; rel="next"'}

    def _scope(self, scope: tuple[str, ...]) -> str:
        """What a cursor is good for: this list, in whichever format it is shown."""
        route = self.request.match_info.route.resource
        return "\0".join((route.canonical.removesuffix(".html") if route else "", self.site_key, *scope))


def require_own_page(site: Site, address: str | None, *, pointer: str) -> None:
    """Raises InvalidRequest for an address of a post that is on none of the site's origins."""
    if address is not None and not is_own_page(address, site.origins):
        raise InvalidRequest(
            [(pointer, f"must be on one of the site's origins: {', '.join(site.origins)}")], place="body"
        )


def _bearer(authorization: str | None) -> str | None:
    """The token in an `Authorization` header, empty where it holds none; None for what a browser sends by itself."""
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() in BROWSERS_OWN:
        return None
    return token.strip() if scheme.lower() == "bearer" else ""


def is_utf8(encoded: str) -> bool:
    """Whether percent-encoded text is UTF-8. What is not would be replaced or kept encoded, and mean something else."""
    if "%" not in encoded and encoded.isascii():
        return True
    try:
        unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        return False
    return True


def to_json(payload: object) -> bytes:
    """JSON text, compact, UTF-8."""
    return pydantic_core.to_json(payload)
