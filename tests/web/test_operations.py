"""Operations calls: live, ready and metrics are three different questions; the API's pages work offline."""

import asyncio
import json
import re
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.errors import PROBLEMS
from tests.conftest import StartGatepost
from tests.harness import Gatepost, Hands
from tests.web.ear import PATIENCE_SECONDS
from tests.web.plain_http import assert_problem, exchange, send

HEALTH = "application/health+json"


# --- Health -----------------------------------------------------------------------------------------------------------


async def test_a_service_that_is_well_is_live_and_ready(gatepost: Gatepost) -> None:
    live = await gatepost.visitor.get("/health/live")
    assert (live.status, live.headers["Content-Type"], live.headers["Cache-Control"]) == (200, HEALTH, "no-store")
    assert live.json == {"status": "pass", "checks": {}}
    ready = await gatepost.visitor.get("/health/ready")
    assert (ready.status, ready.headers["Content-Type"], ready.headers["Cache-Control"]) == (200, HEALTH, "no-store")
    assert ready.json["status"] == "pass"
    assert {"process:draining", "store:write", "job:forget-idempotency"} <= set(ready.json["checks"])
    for entries in ready.json["checks"].values():
        assert [set(entry) for entry in entries] == [{"status", "output"}]
        assert entries[0]["status"] == "pass"


async def test_readiness_leaves_nothing_behind(gatepost: Gatepost) -> None:
    before = (await gatepost.moderator().get("decisions")).json
    for _ in range(3):
        assert (await gatepost.visitor.get("/health/ready")).status == 200
    assert (await gatepost.moderator().get("decisions")).json == before


async def test_a_service_that_is_being_stopped_is_not_ready_but_answers(gatepost: Gatepost) -> None:
    gatepost.running.health.draining = True
    ready = await gatepost.visitor.get("/health/ready")
    assert (ready.status, ready.headers["Content-Type"], ready.json["status"]) == (503, HEALTH, "fail")
    assert ready.json["checks"]["process:draining"][0]["status"] == "fail"
    assert (await gatepost.visitor.get("/health/live")).status == 200
    assert (await gatepost.reader("ada").submit("Still here")).status == 202


@pytest.mark.sqlite_only(reason="another program holds the lock of the SQLite file")
async def test_while_the_store_is_locked_writes_wait_outside_and_reads_go_on(
    start_gatepost: StartGatepost, store_path: Path
) -> None:
    def soon(settings: dict[str, Any]) -> None:
        settings["database"]["busy_seconds"] = 0.05

    gatepost = await start_gatepost(change=soon)
    comment = await gatepost.approved("Before")
    ada, moderator = gatepost.reader("ada"), gatepost.moderator()
    with closing(sqlite3.connect(store_path, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        ready = await gatepost.visitor.get("/health/ready")
        assert (ready.status, ready.json["checks"]["store:write"][0]["status"]) == (503, "fail")
        assert (await gatepost.visitor.get("/health/live")).status == 200
        for answer in (
            await ada.submit("During"),
            await ada.edit(comment["id"], "During", comment["version"]),
            await ada.withdraw(comment["id"]),
            await moderator.decide(comment["id"], "reject", comment["version"]),
        ):
            assert_problem(answer, 503, "store-unavailable")
        assert (await gatepost.public())["comments"][0]["id"] == comment["id"]
        assert (await ada.get("me/comments")).status == 200
        assert (await moderator.get("queue")).json["total"] == 0
        other.execute("ROLLBACK")
    gatepost.clock.advance(seconds=1)  # one probe answers for a second
    assert (await gatepost.visitor.get("/health/ready")).status == 200
    assert (await ada.submit("During")).status == 202
    assert (await moderator.get(f"comments/{comment['id']}")).json["comment"]["version"] == comment["version"]


async def test_many_may_ask_at_once(gatepost: Gatepost) -> None:
    answers = await asyncio.gather(*(gatepost.visitor.get(f"/health/{name}") for name in ["live", "ready"] * 10))
    assert {answer.status for answer in answers} == {200}


# --- Metrics ----------------------------------------------------------------------------------------------------------


async def _metrics(gatepost: Gatepost) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = await gatepost.visitor.get("/metrics")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


async def test_metrics_count_what_happens(gatepost: Gatepost, clock: Hands) -> None:
    comment = await gatepost.approved("Approved")
    await gatepost.reader("ada").submit("Waiting")
    await gatepost.reader("bob").submit("Waiting as well")
    clock.advance(seconds=30)
    await gatepost.moderator().decide(comment["id"], "reject", comment["version"])
    await gatepost.visitor.get("me")
    await gatepost.visitor.get("me", headers={"Authorization": "Bearer bad"})
    await gatepost.visitor.get("posts/post/comments")
    await gatepost.visitor.get("/nothing/here")
    await _measured(gatepost, 2)
    found = await _metrics(gatepost)

    def value(name: str, **labels: str) -> float:
        return found[(f"gatepost_{name}", frozenset(labels.items()))]

    assert value("submissions_total", site="blog", status="pending") == 3
    assert value("decisions_total", site="blog", action="approve") == 1
    assert value("decisions_total", site="blog", action="reject") == 1
    assert value("queue_entries", site="blog") == 2
    assert value("queue_entries", site="other") == 0
    assert value("queue_oldest_seconds", site="blog") == 30
    assert value("queue_oldest_seconds", site="other") == 0
    assert value("problems_total", code="login-required") == 1
    assert value("problems_total", code="invalid-credential") == 1
    assert value("logins_total", site="blog", login="jwt", outcome="refused") == 1
    assert value("logins_total", site="blog", login="jwt", outcome="accepted") == 5
    assert value("job_healthy", job="forget-idempotency") == 1
    route = "/v1/sites/{site}/posts/{post}/comments"
    assert value("http_requests_total", method="GET", route=route, status="200") == 1
    assert value("http_requests_total", method="POST", route=route, status="202") == 3
    assert value("http_requests_total", method="GET", route="none", status="404") == 1
    assert value("http_request_seconds_count", method="POST", route=route) == 3


async def _measured(gatepost: Gatepost, entries: int) -> None:
    """The queue of the blog is measured after something has happened, a second later at most."""
    line = f'gatepost_queue_entries{{site="blog"}} {entries}.0'.encode()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while line not in (await gatepost.visitor.get("/metrics")).body:
            pass


async def test_metrics_do_not_ask_a_store_that_hangs(gatepost: Gatepost, clock: Hands) -> None:
    await gatepost.reader("ada").submit("Waiting")
    await _measured(gatepost, 1)
    store, held = gatepost.running.database, threading.Event()
    readers = gatepost.running.database.read, store.follow.read, store.bulk.read
    hanging = [asyncio.create_task(read(lambda _: held.wait())) for read in readers for _ in range(4)]
    hanging.append(asyncio.create_task(store.write(lambda _: held.wait())))
    clock.advance(seconds=30)
    found = await _metrics(gatepost)
    labels = frozenset({("site", "blog")})
    assert (found["gatepost_queue_entries", labels], found["gatepost_queue_oldest_seconds", labels]) == (1, 30)
    held.set()
    await asyncio.gather(*hanging)


async def test_metrics_count_problems_of_what_no_handler_got(gatepost: Gatepost) -> None:
    await gatepost.visitor.get("/nothing/here")
    await gatepost.visitor.call("PUT", "/health/live")
    await exchange(gatepost, b"nonsense\r\n\r\n")
    await send(gatepost, "GET", "/" + "a" * 30_000)
    found = await _metrics(gatepost)
    for code in ("not-found", "method-not-allowed", "malformed-request", "headers-too-large"):
        assert found[("gatepost_problems_total", frozenset({("code", code)}))] == 1


async def test_metrics_name_no_path_that_somebody_made_up(gatepost: Gatepost) -> None:
    for path in ("/made-up", "/v1/sites/made-up/me", "/v1/sites/blog/posts/made-up/comments", "/problems/made-up"):
        await gatepost.visitor.get(path)
    assert b"made-up" not in (await gatepost.visitor.get("/metrics")).body


# --- The API's own pages ----------------------------------------------------------------------------------------------


async def test_the_description_and_its_page_are_served(gatepost: Gatepost) -> None:
    described = await gatepost.visitor.get("/openapi.json")
    assert (described.status, described.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert described.json["openapi"].startswith("3.1.")
    page = await gatepost.visitor.get("/docs")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    text = page.body.decode()
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    linked = [target for target in re.findall(r'(?:src|href)="([^"]+)"', text) if not target.startswith("data:")]
    assert linked
    for target in linked:
        assert target.startswith("docs/"), "the page works without the internet, and wherever a proxy puts it"
        found = await gatepost.visitor.get(f"/{target}")
        assert found.status == 200
        assert found.headers["Content-Type"].split(";")[0] in {"text/css", "text/javascript"}
        assert found.body


@pytest.mark.parametrize("code", PROBLEMS)
async def test_every_problem_has_a_page_that_explains_it(gatepost: Gatepost, code: str) -> None:
    answer = await gatepost.visitor.get(f"/problems/{code}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    text = answer.body.decode()
    assert f"<code>{code}</code>, HTTP status {PROBLEMS[code].status}" in text
    assert len(re.sub("<[^>]*>", "", text)) > 60
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_every_reply_is_guarded_against_being_taken_for_something_else(gatepost: Gatepost) -> None:
    for path in ("/health/live", "/metrics", "/docs", "/problems/banned", "/nothing", "/v1/sites/blog/comments"):
        headers = (await send(gatepost, "GET", path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Request-ID"]


async def test_a_path_that_does_not_exist_says_so_as_a_problem(gatepost: Gatepost) -> None:
    answer = await send(gatepost, "GET", "/")
    assert_problem(answer, 404, "not-found")
    assert json.loads(answer.body) == answer.json


async def test_each_login_of_each_site_has_its_own_line_in_readiness(gatepost: Gatepost) -> None:
    checks = (await gatepost.visitor.get("/health/ready")).json["checks"]
    assert [name for name in checks if name.startswith("login:")] == ["login:blog/jwt", "login:other/jwt"]
