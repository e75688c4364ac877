"""What the proxy keeps and drops: a real Varnish, with the shipped files, before two replicas."""

import asyncio
from collections.abc import Iterator
from functools import partial

import aiohttp
import pytest
from multidict import CIMultiDict
from yarl import URL

from service.delivery import leased_relay
from service.delivery.leased_relay import LeasedRelay
from service.delivery.purge import Purger
from service.delivery.purge_call import PurgeCall
from service.metrics import Metrics
from service.model import PostKey, SiteKey
from service.outbound.client import Outbound
from service.reading.tags import changed_by, changed_tag, tag_of
from service.settings import Purge
from service.web.routes import PUBLIC
from tests.harness import Gatepost, Hands
from tests.journeys.scale import KEPT, LIST, LONG, SITE, Scale, Scaled, scaled, until
from tests.varnish import REPLICAS

__all__ = ["scaled"]
pytestmark = pytest.mark.own_engines


# --- Keeping ----------------------------------------------------------------------------------------------------------


def _public_paths() -> Iterator[str]:
    for route in PUBLIC:
        if not route.path.endswith("/events"):
            query = "?post=post" if route.path.endswith("/counts") else ""
            yield route.path.format(site=SITE, post="post") + query


async def test_every_public_list_is_kept_for_as_long_as_it_says(scaled: Scaled) -> None:
    scale = await scaled(**KEPT)
    for path in _public_paths():
        assert [await scale.seen(path) for _ in range(3)] == ["miss", "hit", "hit"], path


async def test_a_site_is_kept_for_an_hour_whatever_the_lists_may(scaled: Scaled) -> None:
    scale = await scaled()
    assert [await scale.seen(f"/v1/sites/{SITE}") for _ in range(3)] == ["miss", "hit", "hit"]
    answer = await scale.read(f"/v1/sites/{SITE}")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert "Surrogate-Key" not in answer.headers


async def test_nothing_is_kept_unless_the_owner_says_so(scaled: Scaled) -> None:
    scale = await scaled()
    assert {await scale.seen() for _ in range(5)} <= {"miss", "pass"}
    assert sum(await scale.served()) == 5


async def test_readers_see_what_the_replicas_say_and_caches_further_out_keep_nothing(scaled: Scaled) -> None:
    scale = await scaled(**KEPT)
    await _approve_everywhere(scale, "post")
    direct = await scale.replicas[0].visitor.get(LIST)
    for cached in [await scale.visitor.get(LIST) for _ in range(2)]:
        assert (cached.status, cached.body, cached.headers["ETag"]) == (200, direct.body, direct.headers["ETag"])
        assert cached.headers["Cache-Control"] == "public, max-age=0, s-maxage=0"
        assert {"Surrogate-Key", "Cache-Tag", "Via", "X-Varnish"} & set(cached.headers) == set()
        known = await scale.visitor.get(LIST, headers={"If-None-Match": direct.headers["ETag"]})
        assert (known.status, known.body) == (304, b"")


async def test_many_who_miss_at_once_ask_once(scaled: Scaled) -> None:
    scale = await scaled(**KEPT)
    await asyncio.gather(*(scale.seen() for _ in range(50)))
    assert sum(await scale.served()) == 1


async def test_what_is_too_old_is_asked_for_again_by_its_etag(scaled: Scaled) -> None:
    scale = await scaled(s_maxage_seconds=1)
    first = await scale.read()
    for _ in range(2):  # seconds
        await until(partial(_misses, scale, "posts/other/comments"))
    before = sum(await scale.served(status=304))
    again = await scale.read()
    assert (again.status, again.body, again.headers["X-Cache"]) == (200, first.body, "miss")
    assert sum(await scale.served(status=304)) == before + 1


async def _misses(scale: Scale, path: str) -> bool:
    return await scale.seen(path) == "miss"


async def test_stale_while_revalidate_lets_nobody_wait(scaled: Scaled) -> None:
    scale = await scaled(s_maxage_seconds=1, stale_while_revalidate_seconds=3600)
    assert await scale.seen() == "miss"

    async def revalidated() -> bool:
        assert await scale.seen() == "hit"
        return sum(await scale.served(status=304)) > 0

    await until(revalidated)


async def test_each_reader_gets_a_coding_they_accept(scaled: Scaled) -> None:
    scale = await scaled(**KEPT)
    await _approve_everywhere(scale, "post", LONG)
    kept = {coding: await scale.read(**{"Accept-Encoding": coding}) for coding in ("identity", "br", "gzip")}
    assert [answer.headers.get("Content-Encoding", "identity") for answer in kept.values()] == list(kept)
    assert len({answer.body for answer in kept.values()}) == 3

    wanted = {
        "gzip, deflate, br, zstd": "br",
        "deflate,gzip": "gzip",
        "br;q=0, gzip;q=0.5": "gzip",
        "GZIP;q=0.0, deflate": "identity",
        "brotli": "identity",
    }
    for accepted, coding in wanted.items():
        answer = await scale.read(**{"Accept-Encoding": accepted})
        assert answer.headers["X-Cache"] == "hit", accepted
        assert (answer.body, answer.headers["ETag"]) == (kept[coding].body, kept[coding].headers["ETag"]), accepted


JSON_READERS = ("*/*", "application/json, text/plain, */*", "application/json, text/javascript, */*; q=0.01", "image/*")
OTHER_READERS = {
    "text/html": "text/html",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": "text/html",
    "*/*, application/json;q=0": "text/html",
    "text/html, */*": "application/json",
    "application/json;q=0.9, TEXT/HTML;q=0.8": "application/json",
}


async def test_a_list_is_kept_once_however_readers_ask_for_json(scaled: Scaled) -> None:
    scale = await scaled(**KEPT)
    answers = [await scale.read(Accept=accepted) for accepted in JSON_READERS]
    assert [answer.headers["X-Cache"] for answer in answers] == ["miss", "hit", "hit", "hit"]
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/json; charset=utf-8"}


async def test_who_may_prefer_html_gets_it_and_it_is_kept_nowhere(scaled: Scaled) -> None:
    scale = await scaled(**KEPT)
    for accepted, media_type in OTHER_READERS.items():
        for _ in range(2):
            answer = await scale.read(Accept=accepted)
            said = (answer.headers["X-Cache"], answer.headers["Content-Type"].partition(";")[0])
            assert said == ("pass", media_type), accepted
            assert answer.headers["Cache-Control"] in {"private, max-age=0", "public, max-age=0, s-maxage=0"}


async def test_who_sends_accept_in_two_lines_chooses_the_format_for_nobody_else(scaled: Scaled) -> None:
    scale = await scaled(**KEPT)
    lines = CIMultiDict([*scale.visitor.headers.items(), ("Accept", "*/*"), ("Accept", "application/json;q=0")])
    async with scale.visitor.session.get(f"/v1/sites/{SITE}/{LIST}", headers=lines) as odd:
        assert (odd.status, odd.content_type) == (200, "text/html")
    usual = await scale.read(Accept="*/*")
    assert (usual.headers["X-Cache"], usual.headers["Content-Type"]) == ("miss", "application/json; charset=utf-8")


async def test_a_list_at_an_address_spelled_otherwise_is_kept_nowhere(scaled: Scaled) -> None:
    scale = await scaled(**KEPT)
    address = URL(f"{scale.proxy}/v1/sites/{SITE}/posts/post/%63omments", encoded=True)
    async with scale.visitor.session.get(address) as answer:
        assert (answer.status, answer.headers["X-Cache"]) == (200, "pass")
        assert answer.headers["Cache-Control"] == "public, max-age=0, s-maxage=0"


async def test_a_kept_page_carries_nobody_elses_request_id(scaled: Scaled) -> None:
    scale = await scaled(**KEPT)
    assert (await scale.read(**{"X-Request-ID": "first"})).headers["X-Request-ID"] == "first"
    second = await scale.read(**{"X-Request-ID": "second"})
    assert (second.headers["X-Cache"], second.headers["X-Request-ID"]) == ("hit", "second")
    for headers in ({}, {"X-Request-ID": "not sane"}):
        made = await scale.read(**headers)
        assert made.headers["X-Cache"] == "hit"
        assert made.headers["X-Request-ID"] not in {"first", "second", "not sane", ""}


async def test_credentials_on_a_public_list_change_nothing(scaled: Scaled) -> None:
    scale = await scaled(**KEPT)
    assert await scale.seen() == "miss"
    assert await scale.seen(Authorization="Bearer nonsense", Cookie="session=1") == "hit"


async def test_private_replies_and_problems_are_never_kept(scaled: Scaled) -> None:
    scale = await scaled(**KEPT)
    ada, eve = (scale.through(scale.replicas[0].reader(name)) for name in ("ada", "eve"))
    assert (await ada.submit("Mine")).status == 202
    for path in ("me", "me/comments"):
        hers, other = await ada.get(path), await eve.get(path)
        assert (hers.status, other.status) == (200, 200)
        assert hers.body != other.body
        assert [answer.headers["X-Cache"] for answer in (hers, other)] == ["pass", "pass"]
    assert [(await scale.visitor.get("me")).status for _ in range(2)] == [401, 401]
    for _ in range(2):
        answer = await scale.visitor.get(f"{LIST}?cursor=nonsense")
        assert (answer.status, answer.headers["X-Cache"] != "hit") == (400, True)


# --- Dropping ---------------------------------------------------------------------------------------------------------


async def _approve_everywhere(scale: Scale, post: str, body: str = "Hello") -> None:
    """A new comment that both replicas know of."""
    comment = await scale.replicas[0].approved(body, post=post)
    for replica in scale.replicas:

        async def knows(replica: Gatepost = replica) -> bool:
            return comment["id"] in {item["id"] for item in (await replica.public(post=post))["comments"]}

        await until(knows)


async def test_a_purge_drops_every_form_of_one_post_and_nothing_else(scaled: Scaled) -> None:
    scale = await scaled(**KEPT)
    mine = [(LIST, "br"), (LIST, "gzip"), (LIST, ""), (f"{LIST}?view=flat", "br")]
    others = [("posts/other/comments", ""), ("comments", ""), ("counts?post=post", "br")]

    async def all_seen(asked: list[tuple[str, str]]) -> set[str]:
        return {await scale.seen(path, **{"Accept-Encoding": coding}) for path, coding in asked}

    await _approve_everywhere(scale, "post", LONG)
    assert await all_seen([*mine, *others]) == {"miss"}
    await _approve_everywhere(scale, "post", "Another")
    assert await all_seen([*mine, *others]) == {"hit"}
    assert len((await scale.visitor.get(LIST)).json["comments"]) == 1

    assert await scale.purge(changed_tag(SITE, PostKey("post"))) == 200
    assert await all_seen(mine) == {"miss"}
    assert await all_seen([*mine, *others]) == {"hit"}
    assert len((await scale.visitor.get(LIST)).json["comments"]) == 2


async def test_a_purge_names_several_tags_and_each_as_a_whole(scaled: Scaled) -> None:
    scale = await scaled(**KEPT)
    paths = [LIST, *(f"/v1/sites/{site}/comments" for site in ("blog", "blog-2", "a-blog", "other"))]
    assert [await scale.seen(path) for path in paths] == ["miss"] * 5

    assert await scale.purge(f"{changed_tag(SITE, None)} {changed_tag(SiteKey('other'), None)}") == 200
    assert [await scale.seen(path) for path in paths] == ["hit", "miss", "hit", "hit", "miss"]
    assert await scale.purge("blog") == 200
    assert [await scale.seen(path) for path in paths] == ["miss", "miss", "hit", "hit", "hit"]


async def test_nobody_but_a_replica_may_purge(scaled: Scaled) -> None:
    scale = await scaled(secret="", **KEPT)
    assert await scale.seen() == "miss"
    assert await scale.purge("blog", by="127.0.0.1") == 403
    assert await scale.purge("blog", by="127.0.0.1", **{"X-Forwarded-For": REPLICAS[0]}) == 403
    assert [await scale.purge(tags) for tags in ("", ".*", "blog || obj.status == 200")] == [400, 400, 400]
    assert await scale.seen() == "hit"


async def test_a_purge_tells_the_secret_where_there_is_one(scaled: Scaled) -> None:
    scale = await scaled(secret="open sesame", **KEPT)
    assert [await scale.purge("blog"), await scale.purge("blog", **{"Purge-Key": "open"})] == [403, 403]
    assert await scale.purge("blog", **{"Purge-Key": "open sesame"}) == 200


async def test_what_is_taken_down_is_dropped_by_the_service_itself(
    scaled: Scaled, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leased_relay, "LOOK_SECONDS", 0.1)
    scale = await scaled(**KEPT)
    running = scale.replicas[0].running
    async with Outbound(Metrics()) as client:
        call = PurgeCall(Purge(url=f"{scale.proxy}/"), client)
        from_replica = aiohttp.TCPConnector(local_addr=(REPLICAS[0], 0))
        client._sessions[call._terms] = aiohttp.ClientSession(connector=from_replica)
        purger = Purger(call, tags_of=changed_by, tag_of=tag_of, clock=clock, metrics=Metrics())
        relay = LeasedRelay(purger, running.database, holder="here", sites=[SiteKey("blog")])
        running.relay.add(relay)
        await relay.follow()  # from here on it misses nothing
        job = asyncio.create_task(_for_ever(relay))
        comment = await scale.replicas[1].approved("Not for long")
        await until(lambda: _shown(scale, [comment["id"]]))
        assert await scale.seen() == "hit"
        await scale.replicas[1].moderator().decide(comment["id"], "spam", comment["version"])
        await until(lambda: _shown(scale, []))
        job.cancel()
        await asyncio.wait([job])


async def _for_ever(relay: LeasedRelay) -> None:
    while True:
        await relay.follow()


async def _shown(scale: Scale, ids: list[str]) -> bool:
    return [comment["id"] for comment in (await scale.visitor.get(LIST)).json["comments"]] == ids
