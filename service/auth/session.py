"""Login kind `session`: the blog's own session cookie, shown to the blog's who-am-I address with every new question.

The blog gets the configured cookies byte for byte and nothing else of the reader's request; its answer in JSON is who
they are, and a login of this kind trusts nothing but that answer.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from service.auth.asked import AskedLogin
from service.auth.endpoint import Endpoint
from service.auth.fetch import Fetch
from service.auth.login import (
    BaseLogin,
    ClaimsMapping,
    CookieName,
    Credentials,
    RoleMapping,
    claim_at,
    fix_of,
    identity_from,
    reason_of,
    refused,
    unavailable,
)
from service.errors import InvalidCredential
from service.model import Clock, Identity, Milliseconds, SiteKey
from service.strict_json import is_clean
from service.values import Whole

CALLER_HEADER = "X-Gatepost-Site"
NOBODY = frozenset({204, 401, 403})
"""Statuses that say "nobody is logged in": 204 is what Ghost answers."""
WHAT_TO_ANSWER = "let the blog answer as docs/login/session.md says, or correct the address"
ANOTHER_COOKIE = "log in at the blog once more, and take the cookie as the browser sends it"
MAX_COOKIES = 8_192
LARGEST_ID = 2**63


def _not_all(pattern: str) -> str:
    if pattern == "*":
        raise ValueError('name the cookies of the blog\'s session: "*" alone would hand over all of them')
    return pattern


class SessionClaims(ClaimsMapping):
    """Where in the blog's answer each part of an identity stands: a dotted path."""

    subject: str = "id"
    name: str = "name"
    bio: str = "bio"
    url: str = "url"
    avatar: str = "avatar"


class SessionLogin(BaseLogin):
    """Settings of a `session` login: whom to ask, and which cookies to show. `name*` stands for all that begin so."""

    kind: Literal["session"] = "session"
    url: Endpoint
    cookies: tuple[Annotated[CookieName, AfterValidator(_not_all)], ...] = Field(min_length=1, max_length=20)
    cache_seconds: Whole = Field(15, ge=0, le=300)
    claims: SessionClaims = SessionClaims()

    def open(self, *, site: SiteKey, roles: RoleMapping, clock: Clock, fetch: Fetch) -> "SessionVerifier":
        """This login at work for one site."""
        return SessionVerifier(self, site=site, roles=roles, clock=clock, fetch=fetch)

    def wants(self, cookie: str) -> bool:
        """Whether the blog's session may be in a cookie of this name."""
        return any(
            cookie.startswith(pattern[:-1]) if pattern.endswith("*") else cookie == pattern for pattern in self.cookies
        )


class SessionVerifier(AskedLogin):
    """A `session` login at work."""

    asked = "The blog's who-am-I address"
    reads_bearer = False

    def __init__(
        self, settings: SessionLogin, *, site: SiteKey, roles: RoleMapping, clock: Clock, fetch: Fetch
    ) -> None:
        super().__init__(
            settings, cache_seconds=settings.cache_seconds, site=site, roles=roles, clock=clock, fetch=fetch
        )
        self._settings = settings

    async def identify(self, credentials: Credentials) -> Identity | None:
        """The person to whom the blog's cookie belongs; None without such a cookie.

        Raises InvalidCredential when the blog knows nobody by it, LoginUnavailable when its answer cannot be used.
        """
        shown = [(name, value) for name, value in _cookies(credentials) if self._settings.wants(name)]
        if not any(value for _, value in shown):
            return None
        line = "; ".join(f"{name}={value}" for name, value in shown)
        if not all(_is_sendable(part) for pair in shown for part in pair) or len(line) > MAX_COOKIES:
            raise refused("the cookie holds what cannot be passed on, or too much")
        return await self.identity_of(line)

    async def ask(self, credential: str) -> tuple[Identity, Milliseconds | None]:
        """The person to whom a line of cookies belongs, and no time: the blog does not say how long that is true."""
        headers = {"Cookie": credential, CALLER_HEADER: self._site}
        reply = await self._fetch.get(self._settings.url, headers=headers, also=NOBODY)
        if reply.status != 200 or reply.value is None:
            raise refused(f"the blog says nobody is logged in ({reply.status})", fix=ANOTHER_COOKIE)
        if not isinstance(reply.value, dict):
            raise unavailable("the blog's answer is not a JSON object", fix=WHAT_TO_ANSWER)
        return self._identity(reply.value), None

    def _identity(self, answer: dict[str, Any]) -> Identity:
        path = self._settings.claims.subject
        subject = claim_at(answer, path)
        if subject is None or subject == "":
            fix = f"see that its answer has `{path}`, or name another member in claims.subject; or: {ANOTHER_COOKIE}"
            raise refused("the blog says nobody is logged in (no subject)", fix=fix)
        if isinstance(subject, int) and not isinstance(subject, bool) and abs(subject) < LARGEST_ID:
            subject = str(subject)
        try:
            # A member called like the whole path wins over the path.
            return identity_from({**answer, path: subject}, site=self._site, settings=self._settings, roles=self._roles)
        except InvalidCredential as fault:
            # The blog took the cookie; what is wrong is its answer, and logging in again would not help the reader.
            reason = f"the blog's answer cannot be used: {reason_of(fault)}"
            raise unavailable(reason, fix=fix_of(fault) or WHAT_TO_ANSWER) from None


def _cookies(credentials: Credentials) -> Iterator[tuple[str, str]]:
    """All cookies as they were sent: in order, doubles included, quotes and escapes untouched.

    From the raw header, because parsers decode values and keep one of several cookies with the same name, and which
    one they keep differs from the blog's choice. Credentials without headers (`gatepost check`) have only the mapping.
    """
    raw = credentials.headers.get("cookie")
    if raw is None:
        yield from credentials.cookies.items()
        return
    for pair in raw.split(";"):
        name, separator, value = pair.partition("=")
        if separator:
            yield name.strip(" \t"), value.strip(" \t")


def _is_sendable(text: str) -> bool:
    """Whether `text` can stand in a `Cookie` header and reach the blog unchanged.

    Browsers send tabs and bytes beyond ASCII (RFC 6265bis, 5.7). Other controls and `;` would break out of the value,
    and bytes that are not UTF-8 arrive here as lone surrogates, which the HTTP client would drop without a word.
    """
    return (
        is_clean(text)
        and ";" not in text
        and all(character == "\t" or not (character < " " or character == "\x7f") for character in text)
    )
