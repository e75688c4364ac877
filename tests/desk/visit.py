"""Somebody at the desk as a browser is there: keeps cookies, sends forms with the headers that browsers send."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from http.cookies import Morsel, SimpleCookie
from typing import Any

import aiohttp

from service.web.desk.session import COOKIE
from tests.harness import OTHER_SECRET, SECRET, Gatepost, token

FROM_THE_DESK = {"Sec-Fetch-Site": "same-origin"}
ORIGIN_OF_NOBODY = {"Origin": "https://nobody.example", "Sec-Fetch-Site": "cross-site"}


@dataclass(frozen=True)
class Shown:
    """What the browser was sent."""

    status: int
    headers: Mapping[str, str]
    text: str
    cookies: Mapping[str, "Morsel[str]"]

    @property
    def location(self) -> str:
        """Where it is sent to."""
        return self.headers.get("Location", "")

    @property
    def page(self) -> str | None:
        """Which page it is."""
        found = re.search(r'<main [^>]*data-page="([^"]*)"', self.text)
        return found[1] if found else None

    @property
    def title(self) -> str:
        """The page's heading."""
        found = re.search(r"<h1>(.*?)</h1>", self.text, re.DOTALL)
        return unescape(found[1]) if found else ""

    def field(self, name: str) -> str:
        """What a hidden field of a form on the page holds."""
        found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)">', self.text)
        assert found is not None, self.text
        return unescape(found[1])


@dataclass
class Visit:
    """A browser at a service."""

    session: aiohttp.ClientSession
    cookies: dict[str, str] = field(default_factory=dict)
    always: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, *, headers: Mapping[str, str] | None = None, ends: bool = True) -> Shown:
        """Open an address. Of a stream, which never `ends`, only how it begins."""
        return await self._call("GET", path, headers or {}, None, ends=ends)

    async def post(self, path: str, *, headers: Mapping[str, str] | None = None, **form: str) -> Shown:
        """Send a form; without other headers, from a page of the desk."""
        return await self._call("POST", path, FROM_THE_DESK if headers is None else headers, form)

    async def sign_in(self, signed: str, *, site: str = "blog", headers: Mapping[str, str] | None = None) -> Shown:
        """Send a token."""
        return await self.post(f"/desk/{site}/sign-in", headers=headers, token=signed)

    async def csrf(self, site: str = "blog") -> str:
        """What the forms of the desk carry for whoever is signed in."""
        return (await self.get(f"/desk/{site}/")).field("csrf")

    async def is_in(self, site: str = "blog") -> bool:
        """Whether the queue is shown."""
        shown = await self.get(f"/desk/{site}/")
        assert (shown.status, shown.page) in {(200, "queue"), (401, "sign-in")}, shown.text
        return shown.status == 200

    def secret(self, site: str = "blog") -> str | None:
        """The secret of the session that the browser has."""
        return self.cookies.get(COOKIE + site)

    async def _call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None,
        *,
        ends: bool = True,
    ) -> Shown:
        sent = {**self.always, **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with self.session.request(method, path, headers=sent, data=form, allow_redirects=False) as response:
            text, cookies = await response.text() if ends else "", SimpleCookie()
            for line in response.headers.getall("Set-Cookie", []):
                cookies.load(line)
            self._keep(cookies)
            return Shown(response.status, response.headers.copy(), text, dict(cookies))

    def _keep(self, cookies: Mapping[str, "Morsel[str]"]) -> None:
        for name, morsel in cookies.items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value


def visit(gatepost: Gatepost) -> Visit:
    """A browser in which nobody is signed in."""
    return Visit(gatepost.session)


def moderators_token(gatepost: Gatepost, name: str = "mo", /, *, site: str = "blog", **claims: Any) -> str:
    """A token of somebody whom the blog calls a moderator."""
    secret = OTHER_SECRET if site == "other" else SECRET
    return token(name, now=gatepost.clock(), secret=secret, **{"roles": ["moderator"], **claims})


async def signed_in(gatepost: Gatepost, name: str = "mo", /, *, site: str = "blog", **claims: Any) -> Visit:
    """A browser in which somebody has signed in."""
    browser = visit(gatepost)
    answer = await browser.sign_in(moderators_token(gatepost, name, site=site, **claims), site=site)
    assert (answer.status, answer.location) == (303, "./"), answer.text
    return browser
