"""Somebody at the moderators' desk, over HTTP as a browser without scripts does it: pages, forms, and what they say."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from lxml import html

from tests.harness import AUDIENCE, ISSUER, OTHER_SECRET, SECRET, Answer, Gatepost, Person, token

COOKIE = "blog_session"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


def with_cookies(settings: dict[str, Any]) -> None:
    """Let both sites' logins come in a cookie, as where the blog's own host is beside the desk's."""
    for name, secret in (("blog", SECRET), ("other", OTHER_SECRET)):
        settings["sites"][name]["login"] = [
            {
                "kind": "jwt",
                "algorithms": ["HS256"],
                "secret": secret,
                "issuer": ISSUER,
                "audience": AUDIENCE,
                "cookie": f"{COOKIE}_{name}",
            }
        ]


def cookie(gatepost: Gatepost, name: str, *, site: str = "blog", **claims: Any) -> tuple[str, str]:
    """The cookie of somebody whom the blog knows: its name and value."""
    secret = OTHER_SECRET if site == "other" else SECRET
    return f"{COOKIE}_{site}", token(name, now=gatepost.clock(), secret=secret, **{"roles": ["moderator"], **claims})


@dataclass
class Page:
    """A page as it came: its address, status, headers, and the document."""

    address: str
    answer: Answer
    document: Any = field(repr=False)

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def text(self) -> str:
        """All that it says, in one line."""
        return " ".join(self.document.text_content().split())

    def all(self, css: str) -> list[Any]:
        """The elements that a selector finds."""
        return list(self.document.cssselect(css))

    def one(self, css: str) -> Any:
        """The only one."""
        (found,) = self.all(css)
        return found

    def card(self, comment_id: str) -> Any:
        """The card of a comment."""
        return self.one(f'[data-card][data-comment-id="{comment_id}"]')

    def says(self, css: str) -> str:
        """What the only one says, in one line."""
        return " ".join(self.one(css).text_content().split())


class AtDesk:
    """A moderator with a browser that runs no scripts."""

    def __init__(self, gatepost: Gatepost, name: str = "mo", *, site: str = "blog", **claims: Any) -> None:
        sent = "=".join(cookie(gatepost, name, site=site, **claims))
        self.person = Person(gatepost.session, {"Cookie": sent}, site)
        self.home = f"/desk/{site}/"

    async def open(self, address: str = "", **options: Any) -> Page:
        """A page, by its address as seen from the queue."""
        return await self._page("GET", urljoin(self.home, address), **options)

    async def press(self, page: Page, button: Any, *, part: bool = False, **fields: str) -> Page:
        """Press a button of a page, with some fields of its form filled in; the page that it leads to."""
        form = button.get("form")
        owner = page.one(f"#{form}") if form else next(found for found in button.iterancestors("form"))
        values: list[tuple[str, str]] = [
            (name, value) for name, value in self._values(page, owner) if name not in fields
        ]
        values += list(fields.items())
        if button.get("name"):
            values.append((button.get("name"), button.get("value")))
        return await self.send(urljoin(page.address, owner.get("action")), values, part=part)

    async def send(self, address: str, values: Any, *, part: bool = False, **headers: str) -> Page:
        """Send a form, and follow where it leads."""
        sent = {**OWN_PAGE, **headers, **({"X-Gatepost-Part": "1"} if part else {})}
        page = await self._page("POST", address, data=values, headers=sent)
        if page.status == 303:
            return await self._page("GET", urljoin(address, page.answer.headers["Location"]))
        return page

    async def token(self) -> str:
        """What the forms of this moderator carry."""
        return str((await self.open("settings")).all("input[name=csrf]")[0].get("value"))

    async def _page(self, method: str, address: str, **options: Any) -> Page:
        answer = await self.person.call(method, address, allow_redirects=False, **options)
        text = answer.body.decode()
        return Page(address, answer, html.fromstring(text) if text.strip() else html.Element("html"))

    @staticmethod
    def _values(page: Page, form: Any) -> list[tuple[str, str]]:
        """What a browser would send of a form that nobody has touched."""
        inside = list(form.cssselect("input, textarea, select"))
        if form.get("id"):
            inside += page.all(f'[form="{form.get("id")}"]')
        found = []
        for control in inside:
            is_off = control.get("type") in ("checkbox", "radio") and control.get("checked") is None
            if not control.get("name") or is_off:
                continue
            value = control.text or "" if control.tag == "textarea" else control.get("value") or ""
            found.append((control.get("name"), value))
        return found
