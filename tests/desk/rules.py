"""A site with a list and a policy, in which there is something of everything that the desk says of them."""

from typing import Any

from tests.harness import Gatepost

ADMIN: dict[str, Any] = {"roles": ["admin"]}
EVERYTHING: dict[str, Any] = {
    "format": 1,
    "time_zone": "Europe/Berlin",
    "otherwise": "publish",
    "waiting_per_author": 10,
    "require_reason": True,
    "people": {"regulars": [{"author.approved": {"at_least": 5}, "author.known_days": {"at_least": 7}}]},
    "rules": [
        {
            "id": "until-regular",
            "title": "Links of people who are not regulars",
            "not_for": ["regulars", "staff", "trusted"],
            "when": [{"links.count": {"at_least": 1}}, {"links.lookalike": True}],
            "then": "hold",
            "reason": "links",
        },
        {
            "id": "slurs-spam",
            "title": "Slurs",
            "when": [{"lists.matched": {"any_of": ["slurs"]}}],
            "then": "spam",
            "brake": {"share": 1, "per_day": 1},
        },
        {
            "id": "night",
            "title": "Nobody moderates at night",
            "mode": "observe",
            "when": [{}],
            "then": "hold",
            "priority": 20,
            "during": [
                {"from": "22:30", "to": "07:00"},
                {"days": ["sat", "sun"], "from": "00:00", "to": "10:00"},
            ],
        },
        {
            "id": "old-post",
            "title": "Older than three months",
            "when": [{"post.age_days": {"at_least": 90}}],
            "unless": [{"post.key": {"any_of": ["guestbook", "open-thread/*"]}}],
            "until": "2031-01-31T12:00:00Z",
            "then": "refuse",
            "reason": "too-old",
        },
    ],
    "lockdown": {
        "rules": [
            {"id": "no-links", "title": "No links", "when": [{"links.count": {"at_least": 1}}], "then": "hold"},
        ]
    },
    "reasons": [
        {"code": "links", "text": "Comments with links are read before they appear."},
        {"code": "too-old", "text": "This post is closed."},
    ],
    "tests": [{"name": "words appear", "text": "I was there.", "expect": "publish"}],
}


async def ruled(gatepost: Gatepost) -> None:
    """Make the list, let the policy hold, and have one of its rules braked: it acted as often as it may."""
    await listed(gatepost, {"value": "acme", "not": ["acme lane"], "note": "old friends"}, {"value": "casino*"})
    await put(gatepost, EVERYTHING, note="links of newcomers")
    await gatepost.reader("zoe").submit("Come to the Casinos!")


async def listed(gatepost: Gatepost, *entries: dict[str, Any], **more: Any) -> None:
    """Make the list `slurs` with these entries."""
    mo = gatepost.moderator()
    made = await mo.call(
        "PUT",
        "lists/slurs",
        json={"title": "Words we do not print", "kind": "words", **more},
        headers={"If-None-Match": "*"},
    )
    assert made.status == 201, made.json
    if entries:
        change = {"add": list(entries)}
        changed = await mo.call("PATCH", "lists/slurs/entries", json=change, headers={"If-Match": '"1"'})
        assert changed.status == 200, changed.json


async def put(gatepost: Gatepost, document: Any, *, version: int = 0, by: str = "root", **more: Any) -> None:
    """Let a policy hold that was written upon this version."""
    admin = gatepost.reader(by, **ADMIN)
    body = {"document": document, **more}
    answer = await admin.call("PUT", "policy", json=body, headers={"If-Match": f'"{version}"'})
    assert answer.status == 200, answer.json
