"""The blog that the demo plays, on a port and so an origin of its own: an article, a login, answers for Gatepost.

To Gatepost it is a blog like any other. It keeps its own sessions, hands a logged-in reader a short token (login kind
`jwt`) and says to whom a session cookie belongs (login kind `session`). Started by `service.demo`.
"""

import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from joserfc import jwt
from joserfc.jwk import OctKey

from service.demo.people import SWITCH, Reader
from service.model import Clock

HERE = Path(__file__).parent
SITE = "demo"
POST = "2005/07/the-gate-at-the-end-of-the-garden"
TITLE = "The gate at the end of the garden"
SESSION_COOKIE = "blog_session"
TOKEN_SECONDS = 300
AUDIENCE = "gatepost"
PATIENCE_SECONDS = 2.0
"""How long a page waits for the comments that it has inside."""


@dataclass(frozen=True, slots=True)
class Blog:
    """What the pages and the login need. `origin` is the blog's own address, `gatepost` the service's."""

    origin: str
    gatepost: str
    secret: str
    clock: Clock
    credentials: tuple[str, ...]
    """The ways in which the page may prove to Gatepost who is logged in: "token", "cookie"."""
    sessions: dict[str, Reader] = field(default_factory=dict)

    def token_for(self, reader: Reader) -> str:
        """A signed token (JWT, RFC 7519) that says who the reader is, good for `TOKEN_SECONDS`."""
        now = self.clock() // 1000
        claims = reader.profile() | {
            "iss": self.origin,
            "aud": AUDIENCE,
            "sub": reader.subject,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(self.secret))

    def content_policy(self) -> str:
        """The Content-Security-Policy of every page: own files and Gatepost, nothing inline, nobody else."""
        return (
            f"default-src 'none'; script-src 'self' {self.gatepost}; style-src 'self'; img-src 'self'; "
            f"connect-src 'self' {self.gatepost}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )


BLOG = web.AppKey("blog", Blog)
PAGES = web.AppKey("pages", Environment)


def application(blog: Blog) -> web.Application:
    """The blog as an aiohttp application."""
    app = web.Application()
    app[BLOG] = blog
    app[PAGES] = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    app.router.add_get("/", article)
    app.router.add_get("/login", login_page)
    app.router.add_post("/login", login)
    app.router.add_get("/reader", reader)
    app.router.add_get("/token", token)
    app.router.add_get("/whoami", whoami)
    app.router.add_static("/static", HERE / "static")
    app.on_response_prepare.append(_protect)
    return app


# GET / -- the article, and below it the comments
async def article(request: web.Request) -> web.Response:
    blog = request.app[BLOG]
    return _page(
        request,
        "page.html",
        reader=_logged_in(request),
        people=SWITCH,
        gatepost=blog.gatepost,
        site=SITE,
        post=POST,
        title=TITLE,
        credentials=blog.credentials,
        fragment=await _comments_so_far(blog),
    )


# GET /login?next= -- where "LOGIN to add comments" leads
async def login_page(request: web.Request) -> web.Response:
    return _page(request, "login.html", people=SWITCH, after=_own_page(request, request.query.get("next", "/")))


# POST /login, form {who, next} -- log in as somebody, or with an empty `who` as nobody; no passwords, it is a demo
async def login(request: web.Request) -> web.Response:
    blog = request.app[BLOG]
    if request.headers.get("Origin", blog.origin) != blog.origin:
        raise web.HTTPForbidden(text="Log in from the blog's own pages.")
    form = await request.post()
    who = next((person for person in SWITCH if person.key == form.get("who")), None)
    if who is None and form.get("who"):
        raise web.HTTPUnprocessableEntity(text="The blog has no such reader.")
    blog.sessions.pop(request.cookies.get(SESSION_COOKIE, ""), None)
    reply = web.Response(
        status=HTTPStatus.SEE_OTHER, headers={"Location": _own_page(request, str(form.get("next", "/")))}
    )
    if who is None:
        reply.del_cookie(SESSION_COOKIE)
        return reply
    session = secrets.token_urlsafe(32)
    blog.sessions[session] = who
    reply.set_cookie(SESSION_COOKIE, session, httponly=True, samesite="Lax")
    return reply


# GET /reader -- for the page's own script: who is logged in here, null for a visitor
async def reader(request: web.Request) -> web.Response:
    who = _logged_in(request)
    return web.json_response({"reader": {"key": who.key, "name": who.name} if who else None})


# GET /token -- what the page shows Gatepost instead of the session cookie, null for a visitor
async def token(request: web.Request) -> web.Response:
    who = _logged_in(request)
    if who is None:
        return web.json_response({"token": None})
    return web.json_response({"token": request.app[BLOG].token_for(who), "expires_in": TOKEN_SECONDS})


# GET /whoami -- what Gatepost asks with a reader's session cookie
async def whoami(request: web.Request) -> web.Response:
    who = _logged_in(request)
    if who is None:
        return web.json_response({"error": "nobody is logged in"}, status=HTTPStatus.UNAUTHORIZED)
    return web.json_response(who.profile())


def _logged_in(request: web.Request) -> Reader | None:
    return request.app[BLOG].sessions.get(request.cookies.get(SESSION_COOKIE, ""))


async def _comments_so_far(blog: Blog) -> str:
    """What stands inside the element until its script has come, and where none may run. Nothing if Gatepost is away."""
    fragment = f"{blog.gatepost}/v1/sites/{SITE}/posts/{quote(POST, safe='')}/comments.html?view=thread&sort=oldest"
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=PATIENCE_SECONDS)) as client,
            client.get(fragment) as response,
        ):
            return await response.text() if response.ok else ""
    except (ClientError, TimeoutError):
        return ""


def _page(request: web.Request, template: str, **values: object) -> web.Response:
    return web.Response(text=request.app[PAGES].get_template(template).render(**values), content_type="text/html")


def _own_page(request: web.Request, target: str) -> str:
    """`target` as a path of this blog, "/" for anything that leads elsewhere: a login must not be a springboard."""
    parts = urlsplit(target.removeprefix(request.app[BLOG].origin))
    leads_away = parts.scheme or parts.netloc or not parts.path.startswith("/") or "\\" in target
    printable = target.isascii() and target.isprintable()
    return parts.geturl() if printable and not leads_away else "/"


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = request.app[BLOG].content_policy()
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    response.headers["Cache-Control"] = "no-cache" if request.path.startswith("/static/") else "no-store"
