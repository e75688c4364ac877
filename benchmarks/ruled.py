"""A site with as many rules as it may have (64) and ten lists of 2,000 words. For the benchmarks beside it.

Chance makes the same words every time.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Any

from benchmarks.server import SITE
from service.model import Actor, ActorKind, SiteKey, SiteRules, system_clock
from service.moderation import lists, policies
from service.moderation.lists import Addition, Wanted
from service.store.database import Database
from service.triage import document
from service.triage.lists.entry import Entry, ListKind

LISTS, WORDS, RULES = 10, 2_000, 64
ASCII = "abcdefghijklmnopqrstuvwxyz"
_OPERATOR = Actor(ActorKind.MODERATOR, "operator", "Operator")


def word(letters: str, chance: random.Random, least: int, most: int) -> str:
    """A made-up word."""
    return "".join(chance.choice(letters) for _ in range(chance.randint(least, most)))


def entries(chance: random.Random) -> Sequence[Entry]:
    """The entries of one list: words, a tenth of them beginnings and phrases."""
    made = [Entry(word(ASCII, chance, 5, 12)) for _ in range(WORDS - 200)]
    made += [Entry(f"{word(ASCII, chance, 4, 8)}*") for _ in range(100)]
    return [*made, *(Entry(f"{word(ASCII, chance, 4, 8)} {word(ASCII, chance, 4, 8)}") for _ in range(100))]


def policy() -> dict[str, Any]:
    """A document in which one rule holds every text, and the others ask about everything and seldom speak."""
    asked = list(islice(_rules(), RULES - 1))
    waits = {"id": "newcomers-wait", "title": "Newcomers", "for": ["newcomers"], "not_for": ["staff"], "when": [{}]}
    rules = [{**waits, "then": "hold"}, *({"id": f"r-{number}", **rule} for number, rule in enumerate(asked))]
    reasons = [{"code": "no", "text": "Not here, please."}]
    people = {"regulars": [{"author.approved": {"at_least": 5}, "author.known_days": {"at_least": 7}}]}
    return {"format": 1, "otherwise": "hold", "people": people, "rules": rules, "reasons": reasons}


def _rules() -> Iterator[dict[str, Any]]:
    """Rules without their ids, for ever."""
    outcomes = ["hold", "spam", "hold", "reject", "hold", "refuse"]
    for number in count():
        rule = {"title": "A rule", "not_for": ["staff", "trusted", "regulars"], "reason": "no"}
        for place, when in enumerate(_conditions(number)):
            yield {**rule, "when": when, "then": outcomes[place % len(outcomes)], "priority": number}


def _conditions(number: int) -> Iterator[list[dict[str, Any]]]:
    yield [{"lists.matched": {"any_of": [f"list-{number % LISTS}"]}, "links.count": {"at_least": 1}}]
    yield [{"links.count": {"at_least": 3 + number}}, {"links.new_hosts": {"at_least": 1}}, {"links.shortener": True}]
    yield [{"text.capitals_share": {"at_least": 0.7}, "text.characters": {"at_least": 20 + number}}]
    yield [{"text.disguised": True}, {"text.repeated_run": {"at_least": 8 + number}}]
    yield [{"repeats.by_author": {"at_least": 1 + number}}, {"repeats.on_site": {"at_least": 3}}]
    yield [{"flood.author": {"at_least": 1_000}}, {"flood.post": {"at_least": 1_000}}]
    yield [{"author.rejected_share": {"at_least": 0.34}, "author.rejected": {"at_least": number}}]
    yield [{"post.age_days": {"at_least": 90 + number}, "post.key": {"any_of": ["guestbook", "open-thread/*"]}}]
    yield [{"queue.waiting": {"at_least": 1_000_000}, "comment.is_reply": True}]


def put(url: str) -> None:
    """Give the site in a store that no server uses now this policy and these lists."""
    asyncio.run(_put(url))


async def _put(url: str) -> None:
    database, site, chance = await Database.open(url, clock=system_clock), SiteKey(SITE), random.Random(1)  # noqa: S311
    rules = SiteRules(site)
    try:
        for number in range(LISTS):
            name, wanted = f"list-{number}", Wanted("A list", ListKind.WORDS)
            await database.write(lists.put, site, name, wanted, _OPERATOR, expected=0)
            add = list({one.value: Addition(one) for one in entries(chance)}.values())
            await database.write(lists.change_entries, rules, name, _OPERATOR, expected=1, add=add, remove=[])
        known = await database.read(policies.known, site)
        wanted_policy = policy()
        read = document.examine(wanted_policy, known, version=1, now=system_clock()).policy
        await database.write(policies.put, rules, wanted_policy, read, _OPERATOR, expected=0)
    finally:
        await database.close()
