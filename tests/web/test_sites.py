"""What everybody may know of a site: what a form needs, with a validator, for an hour in caches; nothing else."""

import pytest

from tests.conftest import StartGatepost
from tests.harness import LOGIN_URL, Gatepost
from tests.web.plain_http import assert_problem, send

SITE = "/v1/sites/blog"


async def test_a_site_says_what_a_form_needs_and_nothing_else(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(max_body_length=500, edit_window_seconds=60)
    assert (await gatepost.visitor.get(SITE)).json == {
        "site": {
            "key": "blog",
            "name": "A blog",
            "login_url": LOGIN_URL,
            "max_body_length": 500,
            "edit_window_seconds": 60,
        }
    }
    other = (await gatepost.visitor.get("/v1/sites/other")).json["site"]
    assert other == {
        "key": "other",
        "name": "Another blog",
        "login_url": None,
        "max_body_length": 10_000,
        "edit_window_seconds": 900,
    }


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_any_page_may_read_it_and_any_cache_keep_it_for_an_hour(gatepost: Gatepost, method: str) -> None:
    whole = await gatepost.visitor.get(SITE)
    answer = await send(gatepost, method, SITE, ("Origin", "https://anybody.example"))
    assert (answer.status, answer.body) == (200, whole.body if method == "GET" else b"")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    etag = answer.headers["ETag"]
    assert etag.startswith('"')
    known = await send(gatepost, method, SITE, ("If-None-Match", f'"other", {etag}'))
    assert (known.status, known.body, known.headers["ETag"]) == (304, b"", etag)
    assert known.headers["Cache-Control"] == "public, max-age=3600"
    changed = await send(gatepost, method, SITE, ("If-None-Match", '"other"'))
    assert changed.status == 200


async def test_the_validator_is_of_what_it_says(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(max_body_length=500)
    tags = [(await gatepost.visitor.get(path)).headers["ETag"] for path in (SITE, SITE, "/v1/sites/other")]
    assert tags[0] == tags[1] != tags[2]


async def test_a_credential_makes_no_difference(gatepost: Gatepost) -> None:
    bad = await send(gatepost, "GET", SITE, ("Authorization", "Bearer nonsense"))
    assert (bad.status, bad.body) == (200, (await gatepost.visitor.get(SITE)).body)


async def test_what_is_not_there_is_a_problem_that_no_cache_keeps(gatepost: Gatepost) -> None:
    unknown = await gatepost.visitor.get("/v1/sites/nobody")
    assert_problem(unknown, 404, "unknown-site")
    assert unknown.headers["Cache-Control"] == "private, no-store"
    assert_problem(await gatepost.visitor.get(f"{SITE}?all=1"), 422, "invalid-request")


async def test_it_counts_as_a_read(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(change=lambda wanted: wanted.update(limits={"read_per_address": "2/hour"}))
    assert [(await gatepost.visitor.get(SITE)).status for _ in range(3)] == [200, 200, 429]
