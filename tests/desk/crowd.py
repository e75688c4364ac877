"""Moderators without browsers: what the desk's script sends and takes, and a list of what it was told."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.desk.stage import OWN_PAGE, AtDesk, Page
from tests.harness import Gatepost

ACTIONS = ("approve", "reject", "spam")
LOST_SHARE = 0.05
AT_A_LOOK = 5
AT_ONCE = 20


@dataclass
class Told:
    """What the reply to a decision said: whether it is this moderator's, and how things stand, in the page's words."""

    is_mine: bool
    action: str | None
    words: str


@dataclass
class Moderator:
    """One of the crowd. Some take comments first, as they should; others decide about whatever they see."""

    gatepost: Gatepost
    name: str
    takes: bool
    chance: Random
    told: dict[str, Told] = field(default_factory=dict)
    lost: int = 0

    async def clear_the_queue(self) -> None:
        """Decide until there is nothing more for this moderator."""
        self.desk = AtDesk(self.gatepost, self.name)
        self.csrf = await self.desk.token()
        while cards := await self._cards():
            for card in cards:
                await self._decide(card)

    async def _cards(self) -> list[Any]:
        """What to decide about next. What a lost reply has handed over is found on the page of what is mine."""
        if not self.takes:
            cards = self._unknown(await self.desk.open())
            return self.chance.sample(cards, min(AT_A_LOOK, len(cards)))
        taken = await self._send("claims", {"do": "take"})
        return self._unknown(taken) or self._unknown(await self.desk.open("?claimed=mine"))

    async def _decide(self, card: Any) -> None:
        comment, version = card.get("data-comment-id"), card.get("data-version")
        action = self.chance.choice(ACTIONS)
        reply = await self._send("decide", {"comment": comment, "version": version, "action": action})
        assert reply.status in (201, 409), reply.text
        now = reply.card(comment)
        assert now.get("data-state") == ("decided" if reply.status == 201 else "conflict")
        is_mine = reply.status == 201
        self.told[comment] = Told(is_mine, action if is_mine else None, " ".join(now.text_content().split()))

    async def _send(self, act: str, fields: dict[str, str]) -> Page:
        """Send a form as the script does: where no reply comes, the same again."""
        address, values = f"{self.desk.home}{act}", {"csrf": self.csrf, **fields}
        if self.chance.random() < LOST_SHARE:
            self.lost += 1
            await self._send_and_hang_up(address, values)
        return await self.desk.send(address, values, part=True)

    async def _send_and_hang_up(self, address: str, values: dict[str, str]) -> None:
        """The service gets all of it; nobody is there any more for its reply."""
        service = urlsplit(self.gatepost.running.address)
        body = urlencode(values)
        headers = {
            **self.desk.person.headers,
            **OWN_PAGE,
            "Host": service.netloc,
            "X-Gatepost-Part": "1",
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(body)),
        }
        lines = [f"POST {address} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", body]
        _, writer = await asyncio.open_connection(service.hostname, service.port)
        writer.write("\r\n".join(lines).encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    def _unknown(self, page: Page) -> list[Any]:
        return [card for card in page.all("[data-card]") if card.get("data-comment-id") not in self.told]


async def submitted(gatepost: Gatepost, number: int) -> list[Any]:
    """So many comments that wait."""

    async def submit(numbers: range) -> list[Any]:
        return [
            (await gatepost.reader(f"reader{n % 97}").submit(f"The words of comment {n}.", post=f"post-{n % 13}")).json
            for n in numbers
        ]

    answers = await asyncio.gather(*(submit(range(first, number, AT_ONCE)) for first in range(AT_ONCE)))
    return [answer["comment"] for some in answers for answer in some]
