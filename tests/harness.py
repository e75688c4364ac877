"""A real Gatepost for a test: the whole service on its own port, a real SQLite file, tokens as the blog signs them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from joserfc import jwt
from joserfc.jwk import OctKey

from service.app import Running
from service.model import Milliseconds
from tests.feeds import require_valid

SECRET = "a shared secret of the blog and Gatepost, long enough"
OTHER_SECRET = "another site's shared secret, long enough as well"
ISSUER = "https://blog.example"
AUDIENCE = "gatepost"
ORIGIN = "https://blog.example"
LOGIN_URL = "https://blog.example/login?next={url}"


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now: Milliseconds = time.time_ns() // 1_000_000

    def __call__(self) -> Milliseconds:
        return self.now

    def advance(self, *, seconds: float) -> None:
        """Let time pass."""
        self.now += int(seconds * 1000)


def configuration(database_url: str, **site: Any) -> dict[str, Any]:
    """Settings of a service with the sites `blog` and `other`; `site` changes the first."""
    return {
        "server": {"port": 0, "drain_seconds": 0},
        "database": {"url": database_url},
        "limits": {"enabled": False},
        "log": {"level": "error"},
        "sites": {
            "blog": {
                "name": "A blog",
                "origins": [ORIGIN],
                "login_url": LOGIN_URL,
                "login": [_jwt_login(SECRET)],
                **site,
            },
            "other": {"name": "Another blog", "login": [_jwt_login(OTHER_SECRET)]},
        },
    }


def _jwt_login(secret: str) -> dict[str, Any]:
    return {"kind": "jwt", "algorithms": ["HS256"], "secret": secret, "issuer": ISSUER, "audience": AUDIENCE}


def token(
    subject: str, *, now: Milliseconds, secret: str = SECRET, header: Mapping[str, Any] | None = None, **claims: Any
) -> str:
    """A token as the blog signs it; `claims` change or add to the usual ones, None leaves one out."""
    usual = {
        "sub": subject,
        "name": subject.title(),
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": now // 1000 + 3600,
    }
    kept = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    return jwt.encode({"alg": "HS256", **(header or {})}, kept, OctKey.import_key(secret))


@dataclass(frozen=True)
class Answer:
    """What the service replied."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any = None

    @property
    def code(self) -> str | None:
        """The problem's code."""
        return self.json.get("code") if isinstance(self.json, dict) else None


async def catch_up(session: aiohttp.ClientSession) -> None:
    """Where the session stands for several services, let each hear of what the others did."""
    if told := getattr(session, "catch_up", None):
        await told()


@dataclass
class Person:
    """Somebody who calls the service: a visitor, a reader, a moderator, a program."""

    session: aiohttp.ClientSession
    headers: Mapping[str, str] = field(default_factory=dict)
    site: str = "blog"

    async def call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> Answer:
        """One request. `path` is absolute, or relative to the person's site."""
        await catch_up(self.session)
        url = path if path.startswith("/") else f"/v1/sites/{self.site}/{path}"
        async with self.session.request(
            method, url, headers={**self.headers, **(headers or {})}, **options
        ) as response:
            body = await response.read()
            require_valid(response.status, response.headers, body)
            parsed = await response.json(content_type=None) if "json" in response.content_type and body else None
            return Answer(response.status, response.headers, body, parsed)

    async def get(self, path: str, **options: Any) -> Answer:
        """Read."""
        return await self.call("GET", path, **options)

    async def submit(
        self, body: str, *, post: str = "post", headers: Mapping[str, str] | None = None, **more: Any
    ) -> Answer:
        """Post a comment."""
        return await self.call("POST", f"posts/{post}/comments", json={"body": body, **more}, headers=headers)

    async def edit(self, comment_id: str, body: str, version: int) -> Answer:
        """Change one's own comment."""
        return await self.call("PATCH", f"comments/{comment_id}", json={"body": body, "version": version})

    async def withdraw(self, comment_id: str) -> Answer:
        """Take one's own comment back."""
        return await self.call("DELETE", f"comments/{comment_id}")

    async def decide(self, comment_id: str, action: str, version: int, **more: Any) -> Answer:
        """Decide about a comment."""
        body = {"action": action, "version": version, **more}
        return await self.call("POST", f"comments/{comment_id}/decisions", json=body)

    async def undo(self, decision_id: str) -> Answer:
        """Take a decision back."""
        return await self.call("POST", f"decisions/{decision_id}/undo")


class Gatepost:
    """A running service and the people who call it."""

    def __init__(self, running: Running, session: aiohttp.ClientSession, clock: Hands) -> None:
        self.running = running
        self.session = session
        self.clock = clock
        self.visitor = Person(session)

    def reader(self, name: str, /, *, site: str = "blog", **claims: Any) -> Person:
        """Somebody logged in at the blog."""
        secret = OTHER_SECRET if site == "other" else SECRET
        signed = token(name, now=self.clock(), secret=secret, **claims)
        return Person(self.session, {"Authorization": f"Bearer {signed}"}, site)

    def moderator(self, name: str = "mo", **claims: Any) -> Person:
        """Somebody whom the blog calls a moderator."""
        return self.reader(name, **{"roles": ["moderator"], **claims})

    async def approved(self, body: str, *, by: str = "ada", post: str = "post", **more: Any) -> Any:
        """A comment that a moderator has approved."""
        submitted = await self.reader(by).submit(body, post=post, **more)
        assert submitted.status == 202, submitted.json
        comment = submitted.json["comment"]
        decided = await self.moderator().decide(comment["id"], "approve", comment["version"])
        assert decided.status == 201, decided.json
        return decided.json["comment"]

    async def public(self, *, post: str = "post", **query: Any) -> Any:
        """The public list of a post."""
        answer = await self.visitor.get(f"posts/{post}/comments", params=query)
        assert answer.status == 200, answer.json
        return answer.json
