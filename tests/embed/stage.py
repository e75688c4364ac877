"""A blog's page with the embed on it, in a real Chromium, beside a real Gatepost on another origin."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

from aiohttp import web
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, expect

from tests.auth.local_server import LocalServer, always
from tests.conftest import StartGatepost
from tests.harness import Gatepost, token

POST = "2005/07/gate"
IN_ADDRESS = "2005%2F07%2Fgate"
WIDE, TELEPHONE = 1200, 380
LOOK = """
body { max-width: 44rem; margin: 2rem auto; padding: 0 1.25rem; }
body { font: 1.0625rem/1.6 Georgia, serif; color: #222; background: #fff; }
@media (prefers-color-scheme: dark) { body { color: #e6e3dc; background: #16181b; } }
.tall { height: 3000px; }
"""
OPEN_FORM = """() => document.querySelector("gatepost-comments").shadowRoot
    .querySelector(".door > button[name=submit]")?.click()"""
WATCH = """
    window.violations = []; window.shifts = []; window.told = [];
    addEventListener("securitypolicyviolation", ({violatedDirective, blockedURI}) =>
        violations.push(violatedDirective + " " + blockedURI));
    const watch = (type, keep) =>
        new PerformanceObserver((list) => list.getEntries().forEach(keep)).observe({type, buffered: true});
    watch("layout-shift", (entry) => entry.hadRecentInput || shifts.push(entry.value));
    for (const name of ["ready", "state", "comment-sending", "comment-sent", "comment-edited", "comment-withdrawn",
        "refused", "count", "arrived", "login-wanted"])
        addEventListener("gatepost:" + name, (event) => told.push([name, event.detail]));
"""


@dataclass
class Window:
    """One window on the blog: what it asked, and what went wrong in it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def element(self) -> Locator:
        """The embed."""
        return self.page.locator("gatepost-comments")

    @property
    def articles(self) -> Locator:
        """The articles of the comments."""
        return self.element.locator("article[data-comment-id]")

    @property
    def said(self) -> Locator:
        """What was said aloud last."""
        return self.element.locator("p[role=status]")

    def comment(self, comment_id: str) -> Locator:
        """One comment."""
        return self.element.locator(f'article[data-comment-id="{comment_id}"]')

    async def is_ready(self, *, opens_form: bool = True) -> None:
        """Wait until the list is there and who reads it is known.

        Where that took long (on a busy machine), a button stands in place of the form: it is pressed.
        """
        await expect(self.element).to_have_attribute("data-state", "ready")
        await expect(self.element).not_to_have_attribute("data-reader", "unknown")
        if opens_form:
            await self.page.evaluate(OPEN_FORM)

    async def write(self, text: str) -> None:
        """Write a comment into the form, and send it."""
        await self.element.get_by_role("textbox", name="Your comment", exact=True).fill(text)
        await self.element.get_by_role("button", name="Send").click()

    async def told(self, name: str) -> list[Any]:
        """The details of the element's events of one name."""
        found: list[Any] = await self.page.evaluate(
            "name => told.filter(([one]) => one === name).map(([, detail]) => detail)", name
        )
        return found


@dataclass
class Stage:
    """Gatepost, the blog, and the browser."""

    gatepost: Gatepost
    blog: LocalServer
    browser: Browser
    windows: list[Window] = field(default_factory=list)
    reader: str | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    tokens: int = 0

    @property
    def service(self) -> str:
        """Where Gatepost is."""
        return self.gatepost.running.address

    @property
    def page_address(self) -> str:
        """Where the blog's page is."""
        return f"{self.blog.address}/gate"

    async def token(self, request: web.Request) -> web.Response:
        """What the blog hands out for whoever is logged in."""
        self.tokens += 1
        if self.reader is None:
            return web.json_response({"token": None})
        signed = token(self.reader, now=self.gatepost.clock(), iss="https://blog.example", **self.claims)
        return web.json_response({"token": signed, "expires_in": 3600})

    def page(
        self,
        *,
        inside: str = "",
        before: str = "<h1>The gate</h1><p>There is a gate at the end of our garden.</p>",
        after: str = "<p class=end>The end of the page.</p>",
        policy: str | None = None,
        lang: str = "en",
        style: str = LOOK,
        source: str | None = None,
        script: str = "",
        element: str | None = None,
        **attributes: str | None,
    ) -> None:
        """Put the blog's page there. `attributes` are the element's, with `_` for `-`; None leaves one out."""
        given = {"site": "blog", "post": POST, "post_title": "The gate", "token_url": "/comment-token", **attributes}
        written = " ".join(
            f'{name.replace("_", "-")}="{escape(value)}"' for name, value in given.items() if value is not None
        )
        source = source or f"{self.service}/embed/v1/embed.js"
        text = (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>The gate</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
            f'<link rel="stylesheet" href="/style.css"><script type="module" src="{source}"></script>'
            f"</head><body><main>{before}"
            f"{element or f'<gatepost-comments {written}>{inside}</gatepost-comments>'}{after}</main>"
            f"{'<script src=/own.js></script>' if script else ''}</body></html>"
        )
        headers: dict[str, Any] = {} if policy is None else {"Content_Security_Policy": policy}
        self.blog.handlers["/gate"] = always(text=text, content_type="text/html", **headers)
        self.blog.handlers["/style.css"] = always(text=style, content_type="text/css")
        self.blog.handlers["/own.js"] = always(text=script, content_type="text/javascript")

    async def open(
        self,
        fragment: str = "",
        *,
        width: int = WIDE,
        scheme: Literal["light", "dark"] = "light",
        go: bool = True,
        **options: Any,
    ) -> Window:
        """A new window of a new browser profile on the page."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, **options
        )
        window = Window(await context.new_page())
        await window.page.add_init_script(WATCH)

        def heard(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                window.errors.append(message.text)

        def asked(request: Request) -> None:
            window.requests.append(f"{request.method} {request.url}")

        window.page.on("console", heard)
        window.page.on("pageerror", lambda error: window.errors.append(str(error)))
        window.page.on("request", asked)
        self.windows.append(window)
        if go:
            await window.page.goto(self.page_address + fragment)
        return window

    async def ready(self, fragment: str = "", **options: Any) -> Window:
        """The same, when the comments are there."""
        window = await self.open(fragment, **options)
        await window.is_ready()
        return window

    async def approved(self, body: str, *, by: str = "ada", **more: Any) -> Any:
        """A comment that everybody sees."""
        self.gatepost.clock.advance(seconds=1)
        return await self.gatepost.approved(body, by=by, post=IN_ADDRESS, **more)


@asynccontextmanager
async def staged(chromium: Browser, start_gatepost: StartGatepost, **site: Any) -> AsyncIterator[Stage]:
    """A stage with these settings of the site."""
    blog = LocalServer()
    await blog.up()
    gatepost = await start_gatepost(origins=[blog.address], login_url=f"{blog.address}/login?next={{url}}", **site)
    made = Stage(gatepost, blog, chromium)
    blog.handlers["/comment-token"] = made.token
    blog.handlers["/login"] = always(text="<h1>Log in</h1>", content_type="text/html")
    made.page()
    yield made
    await blog.close()
