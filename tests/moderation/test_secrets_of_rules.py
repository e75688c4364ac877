"""Readers do and see whatever there is while rules of every kind act: no reply to them tells of a rule or a score."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from service.model import SiteKey
from service.triage.document.known import Known
from tests.conftest import StartGatepost
from tests.harness import Answer, Gatepost, Person
from tests.triage.policies import put
from tests.web.ear import Ear, listening

STEPS = 160
WORDS = {"publish": "calm", "hold": "doubtful", "reject": "rude", "spam": "pills", "refuse": "closed"}
"""How long a text is says what becomes of it."""
LENGTHS = {"publish": 20, "hold": 40, "reject": 60, "spam": 80, "refuse": 100}
RULES = [
    {
        "id": f"quokka-{then}",
        "title": f"Zebu {then}",
        "when": [{"text.characters": {"at_least": length - 9, "at_most": length}}],
        "then": then,
        "priority": 7,
        **({"reason": f"told-{then}"} if then in {"reject", "refuse"} else {}),
        **({"brake": {"share": 1, "per_day": 1000}} if then != "hold" else {}),
    }
    for then, length in LENGTHS.items()
]
ENTRY = "p[i]l{2}s|r[u]de"
"""A pattern that stands in no text as it is written."""
LISTED = {
    "id": "quokka-listed",
    "title": "Zebu of a list",
    "when": [{"lists.matched": {"any_of": ["wombat"]}}],
    "then": "hold",
}
DOCUMENT = {
    "format": 1,
    "otherwise": "hold",
    "audit_share": 0.3,
    "waiting_per_author": 20,
    "rules": [*RULES, LISTED],
    "reasons": [{"code": f"told-{then}", "text": f"What authors are told of {then}"} for then in ("reject", "refuse")],
}
SECRETS = (
    "quokka",
    "Zebu",
    "wombat",
    ENTRY,
    "judgement",
    "verdict",
    "score",
    "policy_version",
    "priority",
    "audited",
    *Known().facts,
)
STREET = SiteKey("blog")


def tells(told: str) -> list[str]:
    """What only moderators may know."""
    return [secret for secret in SECRETS if secret in told]


@dataclass
class Stroll:
    """Some readers and a moderator; every reply that a reader or visitor gets is looked through."""

    gatepost: Gatepost
    chance: random.Random
    comments: list[tuple[str, str, int]] = field(default_factory=list)
    statuses: set[str] = field(default_factory=set)

    async def step(self, number: int) -> None:
        """One thing that comes to somebody's mind."""
        name = self.chance.choice(("ada", "bob", "eve"))
        reader = self.gatepost.reader(name)
        if not self.comments or self.chance.random() < 0.4:
            answer = self.looked_through(
                await reader.submit(self.text(number), headers={"Idempotency-Key": f"{number}"})
            )
            if answer.status < 300:
                self.remember(name, answer.json["comment"])
            return
        owner, comment_id, version = self.chance.choice(self.comments)
        person = self.gatepost.reader(owner)
        match self.chance.randrange(8):
            case 0 | 1:
                answer = self.looked_through(await person.edit(comment_id, self.text(number), version))
                if answer.status < 300:
                    self.remember(owner, answer.json["comment"])
            case 2:
                self.looked_through(await person.withdraw(comment_id))
            case 3 | 4:
                await self.decide(comment_id)
            case _:
                await self.look(person, comment_id)

    async def decide(self, comment_id: str) -> None:
        mo = self.gatepost.moderator()
        comment = (await mo.get(f"comments/{comment_id}")).json["comment"]
        action = self.chance.choice(("approve", "reject", "spam", "restore", "undo"))
        if action == "undo":
            line = (await mo.get(f"decisions?comment={comment_id}&order=newest")).json["decisions"][0]
            assert (await mo.undo(line["id"])).status in {201, 409}
        else:
            assert (await mo.decide(comment_id, action, comment["version"])).status in {201, 409}

    async def look(self, person: Person, comment_id: str) -> None:
        """Everything that readers and visitors can see."""
        for path in ("me", "me/comments?limit=200", f"comments/{comment_id}"):
            self.looked_through(await person.get(path))
        self.looked_through(await person.call("POST", "preview", json={"body": self.text(0)}))
        for path in (
            "posts/post/comments",
            f"posts/post/comments?around={comment_id}",
            "posts/post/comments.html",
            "posts/post/comments.atom",
            "comments",
            "comments.atom",
            "counts?post=post",
        ):
            self.looked_through(await self.gatepost.visitor.get(path))

    def looked_through(self, answer: Answer) -> Answer:
        assert tells(answer.body.decode() + str(dict(answer.headers))) == []
        return answer

    def remember(self, owner: str, comment: Any) -> None:
        self.statuses.add(comment["status"])
        self.comments = [one for one in self.comments if one[1] != comment["id"]]
        self.comments.append((owner, comment["id"], comment["version"]))

    def text(self, number: int) -> str:
        """A text of which a rule says this."""
        then = self.chance.choice(sorted(WORDS))
        return f"{number} {WORDS[then]} ".ljust(LENGTHS[then], "x")[: LENGTHS[then]]


async def _one_of_each(gatepost: Gatepost, ear: Ear) -> None:
    """Each kind of news, heard before the next: what a walk does to one comment in a moment may be told as one."""
    mo, cleo = gatepost.moderator(), gatepost.reader("cleo")
    comment_id = (await cleo.submit("Held, and shown after all")).json["comment"]["id"]

    async def version() -> int:
        return int((await mo.get(f"comments/{comment_id}")).json["comment"]["version"])

    assert (await mo.decide(comment_id, "approve", await version())).status == 201
    await _until_heard(ear, "comment.published", comment_id)
    assert (await cleo.edit(comment_id, "Held, and shown once more", await version())).status == 200
    assert (await mo.decide(comment_id, "approve", await version())).status == 201
    await _until_heard(ear, "comment.changed", comment_id)
    assert (await mo.decide(comment_id, "reject", await version())).status == 201
    await _until_heard(ear, "comment.removed", comment_id)
    assert (await mo.call("PATCH", "posts/post", json={"open": False})).status == 200
    await _until_heard(ear, "post.changed", "post")


async def _until_heard(ear: Ear, name: str, of: str) -> None:
    [heard] = await ear.some(1)
    while (heard.name, of in json.dumps(heard.data)) != (name, True):
        [heard] = await ear.some(1)


async def test_no_reply_to_a_reader_tells_of_rules(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost()
    mo, new = gatepost.moderator(), {"title": "A wombat", "kind": "patterns"}
    assert (await mo.call("PUT", "lists/wombat", headers={"If-None-Match": "*"}, json=new)).status == 201
    change = {"add": [{"value": ENTRY}]}
    assert (await mo.call("PATCH", "lists/wombat/entries", headers={"If-Match": '"1"'}, json=change)).status == 200
    assert await put(gatepost.running.database, STREET, DOCUMENT) is not None
    stroll = Stroll(gatepost, random.Random(19))  # noqa: S311  # the same walk each time
    async with listening(gatepost.reader("ada")) as ear:
        for number in range(STEPS):
            await stroll.step(number)
        await _one_of_each(gatepost, ear)
        assert tells(ear.raw.decode()) == []
    assert stroll.statuses == {"approved", "pending", "rejected"}
    said = (await gatepost.moderator().get("policy")).json["state"]["rules"]
    assert [rule["id"] for rule in said if not rule["spoke_24h"]] == [], "each rule has spoken"
