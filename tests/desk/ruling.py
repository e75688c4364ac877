"""A site with rules and a list, for tests of what moderators see of them."""

from typing import Any

from service.model import SiteKey
from tests.harness import Gatepost
from tests.triage.policies import of_rules, put

LINKS = {"id": "links-hold", "title": "Links are looked at", "when": [{"links.count": {"at_least": 1}}]}
WORDS = {
    "id": "games-hold",
    "title": "No games of chance",
    "when": [{"lists.matched": {"any_of": ["games"]}}],
    "priority": 20,
}
REASONS = [{"code": "no", "text": "Not here, please."}]


async def rules(gatepost: Gatepost, *of: Any, expected: int = 0, otherwise: str = "hold", **more: Any) -> None:
    """Let these rules hold at the blog."""
    document = {**of_rules(*of, otherwise=otherwise), "reasons": REASONS, "audit_share": 0, **more}
    assert await put(gatepost.running.database, SiteKey("blog"), document, expected=expected) is not None


async def words(gatepost: Gatepost, *values: str, title: str = "Games of chance", kind: str = "words") -> None:
    """Keep a list of these, by the name `games`."""
    mo = gatepost.moderator()
    made = await mo.call("PUT", "lists/games", headers={"If-None-Match": "*"}, json={"title": title, "kind": kind})
    assert made.status == 201, made.json
    added = await mo.call(
        "PATCH", "lists/games/entries", headers={"If-Match": '"1"'}, json={"add": [{"value": one} for one in values]}
    )
    assert added.status == 200, added.json


async def said(gatepost: Gatepost, body: str, *, by: str = "ada", post: str = "post") -> Any:
    """A comment that somebody sent."""
    answer = await gatepost.reader(by).submit(body, post=post)
    assert answer.status in (201, 202), answer.json
    return answer.json["comment"]
