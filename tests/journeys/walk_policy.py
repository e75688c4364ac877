"""The policy of random walks: rules and lists that change nothing of what happens, under names that nobody can mistake.

Each text of a walk matches them, so each is judged with verdicts. No reply to a reader or a visitor may tell of it.
"""

import re
from collections.abc import Mapping
from typing import Any

from tests.harness import Answer, Gatepost, Person

ENTRY = "T[e]x{1}t m[a]rk"
"""A pattern that every text of a walk fits, and whose spelling stands in none."""
_RULES: list[dict[str, Any]] = [
    {"id": "okapi-watches", "title": "The okapi watches", "mode": "observe", "then": "spam"},
    {"id": "okapi-minds", "title": "The okapi minds", "then": "hold", "priority": 3},
]
_SECRET = re.compile(
    r"okapi|quagga|T\[e\]x|lists\.matched|verdict|judgement|policy_version|\bfacts\b|could_not_judge|score|priority",
    re.IGNORECASE,
)


class Outsider(Person):
    """A reader or a visitor, whose every reply is searched for what only moderators may know."""

    async def call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> Answer:
        """One request."""
        answer = await super().call(method, path, headers=headers, **options)
        told = f"{dict(answer.headers)} {answer.body.decode()}"
        assert _SECRET.search(told) is None, told
        return answer


async def put_policy(gatepost: Gatepost, site: str, *, otherwise: str) -> None:
    """Give the site a list and a policy with rules. Where all is published, no rule ever holds anything."""
    admin = gatepost.reader("root", site=site, roles=["admin"])
    new = {"title": "What the quagga minds", "kind": "patterns"}
    made = await admin.call("PUT", "lists/quagga", headers={"If-None-Match": "*"}, json=new)
    assert made.status == 201, made.json
    change = {"add": [{"value": ENTRY.lower(), "note": "quagga"}]}
    added = await admin.call("PATCH", "lists/quagga/entries", headers={"If-Match": '"1"'}, json=change)
    assert added.status == 200, added.json
    document = {"format": 1, "otherwise": otherwise, "rules": [_completed(rule, otherwise) for rule in _RULES]}
    put = await admin.call("PUT", "policy", headers={"If-Match": '"0"'}, json={"document": document})
    assert put.status == 200, put.json


def _completed(rule: dict[str, Any], otherwise: str) -> dict[str, Any]:
    asked = {"when": [{"lists.matched": {"any_of": ["quagga"]}}]}
    never = otherwise == "publish" and rule["then"] == "hold"
    return {**rule, **asked, **({"unless": [{}]} if never else {})}
