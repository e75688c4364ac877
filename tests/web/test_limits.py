"""Rate limits over HTTP: what counts, for whom, and whose address it is behind proxies. Robustness, point 15.

Periods are hours and days away from ending: no test waits for one.
"""

import json
import re
from typing import Any

import pytest

from service.errors import SlowDown
from service.metrics import Metrics
from service.model import Role
from service.moderation import api_keys
from service.settings import Limits
from service.web.limits import RateLimits
from service.web.routes import ROUTES
from service.web.surface import Audience
from tests.conftest import StartGatepost
from tests.harness import ORIGIN, Answer, Gatepost, Person
from tests.web.plain_http import JSON, Header, assert_problem, send

HOUR = 3600
COUNTS = "/v1/sites/blog/counts?post=p"
PROXIES = ["127.0.0.1/32", "10.0.0.0/8", "2001:db8:ffff::/48"]
CLIENT = "203.0.113.9"


async def _limited(start: StartGatepost, *, proxies: list[str] | None = None, **limits: Any) -> Gatepost:
    def change(settings: dict[str, Any]) -> None:
        settings["limits"] = {"enabled": True, **limits}
        settings["server"]["trusted_proxies"] = proxies or []

    return await start(change=change)


def _assert_slowed(answer: Answer, *, at_most: int) -> None:
    assert_problem(answer, 429, "slow-down")
    assert 1 <= int(answer.headers["Retry-After"]) <= at_most


async def test_an_author_may_submit_so_often(start_gatepost: StartGatepost) -> None:
    gatepost = await _limited(start_gatepost, submit_per_author="2/hour")
    ada = gatepost.reader("ada")
    assert [(await ada.submit(text)).status for text in ("One", "Two")] == [202, 202]
    _assert_slowed(await ada.submit("Three"), at_most=HOUR)
    _assert_slowed(await gatepost.reader("ada").submit("With another token", post="another"), at_most=HOUR)
    assert (await gatepost.reader("bob").submit("I am Bob")).status == 202
    assert (await gatepost.reader("ada", site="other").submit("Elsewhere")).status == 202
    assert (await gatepost.moderator().get("queue")).json["total"] == 3
    assert (await ada.get("me")).status == 200


async def test_the_readers_of_a_site_together_may_submit_so_often(start_gatepost: StartGatepost) -> None:
    gatepost = await _limited(start_gatepost, submit_per_site="2/hour")
    ada = gatepost.reader("ada")
    kept = {"Idempotency-Key": "once"}
    assert [(await ada.submit("One", headers=kept)).status for _ in range(3)] == [202, 202, 202]  # retries cost nothing
    assert (await gatepost.reader("bob").submit("Two")).status == 202
    _assert_slowed(await gatepost.reader("cat").submit("Three"), at_most=HOUR)
    assert (await gatepost.reader("cat", site="other").submit("Elsewhere")).status == 202


async def test_edits_count_as_submissions_do(start_gatepost: StartGatepost) -> None:
    gatepost = await _limited(start_gatepost, submit_per_author="3/hour", submit_per_site="5/hour")
    ada, bob = gatepost.reader("ada"), gatepost.reader("bob")
    comment = (await ada.submit("One")).json["comment"]
    answers = [await ada.edit(comment["id"], text, version) for version, text in enumerate(("Two", "Three"), start=1)]
    assert [answer.status for answer in answers] == [200, 200]
    _assert_slowed(await ada.edit(comment["id"], "Four", 3), at_most=HOUR)
    _assert_slowed(await ada.submit("Elsewhere", post="another"), at_most=HOUR)
    shown = (await ada.get(f"comments/{comment['id']}")).json["comment"]
    assert (shown["body"], shown["version"]) == ("Three", 3)

    comment = (await bob.submit("One of Bob's")).json["comment"]  # the site's limit counts them too
    assert (await bob.edit(comment["id"], "Two of Bob's", 1)).status == 200
    _assert_slowed(await bob.edit(comment["id"], "Three of Bob's", 2), at_most=HOUR)


async def test_an_edit_that_changes_nothing_costs_its_author_nothing(start_gatepost: StartGatepost) -> None:
    gatepost = await _limited(start_gatepost, submit_per_author="2/hour")
    ada = gatepost.reader("ada")
    comment = (await ada.submit("One")).json["comment"]
    assert [(await ada.edit(comment["id"], "One", 1)).status for _ in range(5)] == [200] * 5
    assert (await ada.edit(comment["id"], "Two", 1)).status == 200
    _assert_slowed(await ada.edit(comment["id"], "Three", 2), at_most=HOUR)


async def test_a_refusal_for_the_whole_site_costs_the_author_nothing(start_gatepost: StartGatepost) -> None:
    gatepost = await _limited(start_gatepost, submit_per_author="1/hour", submit_per_site="1/minute")
    assert (await gatepost.reader("bob").submit("Before anybody else")).status == 202
    for _ in range(3):  # it is the site's minute that has to pass each time, and never the author's hour
        _assert_slowed(await gatepost.reader("ada").submit("After somebody else"), at_most=60)


async def test_a_refusal_of_the_author_costs_the_site_nothing(start_gatepost: StartGatepost) -> None:
    gatepost = await _limited(start_gatepost, submit_per_author="1/hour", submit_per_site="2/hour")
    answers = [await gatepost.reader("ada").submit(f"Comment {number}") for number in range(4)]
    assert [answer.status for answer in answers] == [202, 429, 429, 429]
    assert (await gatepost.reader("bob").submit("I may still")).status == 202


async def test_a_submission_that_says_nothing_valid_does_not_count_for_its_author(
    start_gatepost: StartGatepost,
) -> None:
    gatepost = await _limited(start_gatepost, submit_per_author="1/hour")
    ada = gatepost.reader("ada")
    for _ in range(3):
        assert_problem(await ada.submit(" "), 422, "invalid-request")
    assert (await ada.submit("At last")).status == 202


async def test_a_retry_gives_back_what_it_was_counted(start_gatepost: StartGatepost) -> None:
    gatepost = await _limited(start_gatepost, submit_per_author="3/hour")
    ada = gatepost.reader("ada")
    texts = ["One", *["Two"] * 9, "Three", *["Two"] * 9]
    answers = [await ada.submit(text, headers={"Idempotency-Key": text}) for text in texts]
    assert {answer.status for answer in answers} == {202}
    _assert_slowed(await ada.submit("Four"), at_most=HOUR)


async def test_what_is_given_back_to_somebody_who_had_used_nothing_leaves_nothing_used() -> None:
    limits = RateLimits(Limits(submit_per_author="1/hour"), metrics=Metrics())
    for _ in range(3):
        await limits.submit_by("blog", "ada")
        await limits.take_back("blog", "ada")
    await limits.submit_by("blog", "ada")
    with pytest.raises(SlowDown):
        await limits.submit_by("blog", "ada")


async def test_an_address_may_write_so_often_whoever_writes(start_gatepost: StartGatepost) -> None:
    gatepost = await _limited(start_gatepost, submit_per_address="4/hour")
    ada, bob = gatepost.reader("ada"), gatepost.reader("bob")
    comment = (await ada.submit("One")).json["comment"]
    assert (await ada.edit(comment["id"], "Two", 1)).status == 200
    assert (await ada.withdraw(comment["id"])).status == 204
    assert (await gatepost.visitor.submit("Not even logged in")).status == 401
    for answer in (
        await bob.submit("Three"),
        await ada.edit(comment["id"], "Four", 2),
        await ada.withdraw(comment["id"]),
        await gatepost.reader("cy", site="other").submit("Five"),
        await gatepost.visitor.submit("Six"),
    ):
        _assert_slowed(answer, at_most=HOUR)
    assert (await gatepost.public())["comments"] == []


async def test_an_address_may_read_so_often(start_gatepost: StartGatepost) -> None:
    gatepost = await _limited(start_gatepost, read_per_address="3/hour")
    paths = ["posts/p/comments", "counts?post=p", "comments", "me", "me/comments", "comments/x"]
    answers = [await gatepost.reader("ada").get(path) for path in paths]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429, 429]
    for answer in answers[3:]:
        _assert_slowed(answer, at_most=HOUR)


MODERATORS_CALLS: list[tuple[str, str, Any]] = [
    ("GET", "queue", None),
    ("GET", "queue/events", None),
    ("POST", "queue/claims", {}),
    ("DELETE", "queue/claims", None),
    ("GET", "queue/x", None),
    ("POST", "comments/x/decisions", {"action": "approve", "version": 1}),
    ("GET", "comments/x/judgements", None),
    ("GET", "comments/x/original", None),
    ("POST", "decisions", {"decisions": [{"comment_id": "x", "action": "approve", "version": 1}] * 500}),
    ("POST", "decisions/x/undo", None),
    ("POST", "undos/previews", {"batch": "x"}),
    ("POST", "undos", {"preview": "x"}),
    ("GET", "decisions", None),
    ("GET", "moderation/comments", None),
    ("GET", "authors/x", None),
    ("PATCH", "authors/x", {}),
    ("GET", "events", None),
    ("POST", "desk/codes", None),
    ("GET", "posts/p", None),
    ("PATCH", "posts/p", {"open": True}),
    ("GET", "lists", None),
    ("GET", "lists/x", None),
    ("PUT", "lists/x", {"title": "X", "kind": "words"}),
    ("DELETE", "lists/x", None),
    ("GET", "lists/x/entries", None),
    ("PATCH", "lists/x/entries", {}),
    ("GET", "policy", None),
    ("PUT", "policy", {"document": {"format": 1}}),
    ("POST", "policy/validations", {"document": {"format": 1}}),
    ("POST", "policy/trials", {"text": "A text"}),
    ("GET", "policy/versions", None),
    ("GET", "policy/versions/x", None),
    ("DELETE", "policy/brakes/x", None),
    ("GET", "webhooks", None),
    ("GET", "webhooks/x/deliveries", None),
    ("POST", "webhooks/x/deliveries/x/retry", None),
    ("POST", "webhooks/x/replay", {"after_seq": 0}),
    ("POST", "webhooks/x/resume", None),
    ("POST", "webhooks/x/test", None),
]


def test_every_call_of_moderators_is_on_the_list() -> None:
    declared = [(route.method, route.path) for route in ROUTES if route.audience is Audience.MODERATORS]
    names = ("id", "key", "name", "version", "rule", "list")
    named = {"{site}": "blog", "{post}": "p", **{f"{{{name}}}": "x" for name in names}}
    concrete = [(method, re.sub(r"\{\w+\}", lambda name: named[name[0]], path)) for method, path in declared]
    assert concrete == [(method, f"/v1/sites/blog/{path}") for method, path, _ in MODERATORS_CALLS]


@pytest.mark.parametrize(("method", "path", "body"), MODERATORS_CALLS)
async def test_a_moderator_may_call_so_often(start_gatepost: StartGatepost, method: str, path: str, body: Any) -> None:
    gatepost = await _limited(start_gatepost, moderate_per_caller="2/hour")
    mo, target = gatepost.moderator(), f"/v1/sites/blog/{path}"

    async def call(person: Person) -> Answer:
        sent = json.dumps(body).encode() if body is not None else b""
        return await send(gatepost, method, target, *([JSON] if sent else []), person=person, body=sent)

    assert 429 not in [(await call(mo)).status for _ in range(2)]
    _assert_slowed(await call(mo), at_most=HOUR)
    _assert_slowed(await gatepost.moderator().get("queue"), at_most=HOUR)
    assert (await call(gatepost.moderator("someone-else"))).status != 429
    assert (await gatepost.moderator(site="other").get("queue")).status == 200
    assert (await mo.get("me")).status == 200


async def test_who_may_not_moderate_may_not_try_it_for_ever(start_gatepost: StartGatepost) -> None:
    gatepost = await _limited(start_gatepost, moderate_per_caller="2/hour")
    answers = [await gatepost.reader("ada").get("queue") for _ in range(3)]
    assert [answer.status for answer in answers] == [403, 403, 429]


async def test_a_program_is_counted_by_its_key(start_gatepost: StartGatepost) -> None:
    gatepost = await _limited(start_gatepost, moderate_per_caller="1/hour")
    keys = [
        await gatepost.running.database.write(
            api_keys.create, f"bot-{number}", site=None, roles=frozenset({Role.MODERATOR}), expires_at=None
        )
        for number in range(2)
    ]
    bots = [Person(gatepost.session, {"Authorization": f"Bearer {secret}"}) for _, secret in keys]
    assert [(await bot.get("queue")).status for bot in (bots[0], bots[0], bots[1])] == [200, 429, 200]


async def test_moderation_operations_and_preflights_cost_no_address_anything(start_gatepost: StartGatepost) -> None:
    gatepost = await _limited(
        start_gatepost, read_per_address="1/hour", submit_per_address="1/hour", submit_per_author="1/hour"
    )
    comment = (await gatepost.reader("ada").submit("Hello")).json["comment"]
    assert (await gatepost.visitor.get("comments")).status == 200
    _assert_slowed(await gatepost.visitor.get("comments"), at_most=HOUR)
    moderator = gatepost.moderator()
    for path in ("queue", "decisions", "posts/post", "/health/live", "/health/ready", "/metrics", "/openapi.json"):
        assert [(await moderator.get(path)).status for _ in range(3)] == [200, 200, 200]
    assert (await moderator.decide(comment["id"], "approve", 1)).status == 201
    asked = ("Access-Control-Request-Method", "GET")
    for _ in range(3):
        preflight = await send(gatepost, "OPTIONS", COUNTS, ("Origin", ORIGIN), asked)
        assert preflight.status == 204


async def test_a_page_can_read_why_it_has_to_wait(start_gatepost: StartGatepost) -> None:
    gatepost = await _limited(start_gatepost, read_per_address="1/hour", submit_per_address="1/hour")
    await send(gatepost, "GET", COUNTS)
    public = await send(gatepost, "GET", COUNTS, ("Origin", "https://anybody.example"))
    _assert_slowed(public, at_most=HOUR)
    assert public.headers["Access-Control-Allow-Origin"] == "*"
    assert "Retry-After" in public.headers["Access-Control-Expose-Headers"]
    assert public.headers["Cache-Control"] == "private, no-store"
    own = await send(gatepost, "GET", "/v1/sites/blog/me", ("Origin", ORIGIN))
    _assert_slowed(own, at_most=HOUR)
    assert own.headers["Access-Control-Allow-Origin"] == ORIGIN
    stranger = await send(gatepost, "GET", "/v1/sites/blog/me", ("Origin", "https://anybody.example"))
    assert "Access-Control-Allow-Origin" not in stranger.headers


@pytest.mark.parametrize(("rate", "longest"), [("2/minute", 30), ("1/minute", 60), ("6/hour", 600), ("1/hour", 3600)])
async def test_the_wait_is_until_the_next_one_is_free(start_gatepost: StartGatepost, rate: str, longest: int) -> None:
    gatepost = await _limited(start_gatepost, submit_per_author=rate)
    ada = gatepost.reader("ada")
    answers = [await ada.submit(f"Comment {number}") for number in range(int(rate.partition("/")[0]) + 3)]
    slowed = [answer for answer in answers if answer.status == 429]
    assert slowed
    for answer in slowed:
        _assert_slowed(answer, at_most=longest)


async def test_limits_can_be_switched_off(start_gatepost: StartGatepost) -> None:
    gatepost = await _limited(
        start_gatepost,
        enabled=False,
        read_per_address="1/hour",
        submit_per_address="1/hour",
        submit_per_author="1/hour",
    )
    assert {(await gatepost.visitor.get("comments")).status for _ in range(5)} == {200}
    assert {(await gatepost.reader("ada").submit(f"Comment {number}")).status for number in range(5)} == {202}


# --- Whose address it is ----------------------------------------------------------------------------------------------


def _forwarded(*values: str) -> list[Header]:
    return [("X-Forwarded-For", value) for value in values]


async def _same_client(gatepost: Gatepost, first: list[Header], second: list[Header]) -> bool:
    """Whether the second request is counted with the first, where one is allowed."""
    assert (await send(gatepost, "GET", COUNTS, *first)).status == 200
    answer = await send(gatepost, "GET", COUNTS, *second)
    assert answer.status in {200, 429}
    return answer.status == 429


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ([CLIENT], [CLIENT], True),
        ([CLIENT], ["203.0.113.10"], False),
        ([CLIENT], [f"198.51.100.1, {CLIENT}"], True),
        ([CLIENT], [f"198.51.100.1,{CLIENT} "], True),
        ([CLIENT], ["198.51.100.1", CLIENT], True),
        ([CLIENT], [CLIENT, "203.0.113.10"], False),
        ([CLIENT], [f"{CLIENT}, 203.0.113.10"], False),
        ([CLIENT], [f"{CLIENT}, 10.0.0.1"], True),
        ([CLIENT], [f"{CLIENT}, 10.0.0.1, 127.0.0.1"], True),
        ([CLIENT], [f"::ffff:{CLIENT}"], True),
        ([CLIENT], [f"{CLIENT}:54321"], True),
        ([CLIENT], [f"{CLIENT}, unknown"], False),
        ([CLIENT], [], False),
        (["10.0.0.1"], ["10.0.0.2"], False),
        ([], [""], True),
        ([], ["garbage"], True),
        ([], [f"{CLIENT}, garbage"], True),
        (["2001:db8:1:2::1"], ["2001:db8:1:2:ffff:ffff:ffff:ffff"], True),
        (["2001:db8:1:2::1"], ["2001:db8:1:3::1"], False),
        (["2001:db8:1:2::1"], ["2001:DB8:1:2:0:0:0:1"], True),
        (["2001:db8:1:2::1"], ["[2001:db8:1:2::7]:443"], True),
        (["2001:db8:1:2::1"], ["2001:db8:1:2::1%eth0"], True),
        (["2001:db8:1:2::1"], ["2001:db8:1:2::1, 2001:db8:ffff::7"], True),
        (["2001:db8:1:2::1"], [CLIENT], False),
    ],
)
async def test_behind_our_proxies_a_client_is_who_came_to_them(
    start_gatepost: StartGatepost, first: list[str], second: list[str], same: bool
) -> None:
    gatepost = await _limited(start_gatepost, proxies=PROXIES, read_per_address="1/hour")
    assert await _same_client(gatepost, _forwarded(*first), _forwarded(*second)) is same


@pytest.mark.parametrize("proxies", [[], ["10.0.0.0/8"], ["127.0.0.2/32"]])
async def test_nobody_else_may_say_whose_request_it_is(start_gatepost: StartGatepost, proxies: list[str]) -> None:
    gatepost = await _limited(start_gatepost, proxies=proxies, read_per_address="1/hour")
    assert await _same_client(gatepost, _forwarded(CLIENT), _forwarded("203.0.113.10"))


@pytest.mark.parametrize("name", ["Forwarded", "X-Real-IP", "X-Client-IP", "CF-Connecting-IP", "True-Client-IP"])
async def test_only_one_header_says_so(start_gatepost: StartGatepost, name: str) -> None:
    gatepost = await _limited(start_gatepost, proxies=PROXIES, read_per_address="1/hour")
    assert await _same_client(gatepost, [(name, CLIENT)], [(name, "203.0.113.10")])
