"""The cache of good answers: nobody gets another's, none older than the limit, failures never."""

import asyncio

import pytest

from service import shelf
from service.auth.cache import AnswerCache, LookUp, _Kept, digest_of
from service.errors import InvalidCredential, LoginUnavailable
from service.model import Milliseconds
from tests.harness import Hands

KEY = digest_of("ada's token")


class Blog:
    """Counts the questions and answers each when `open` is set."""

    def __init__(self) -> None:
        self.questions: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    def about(
        self, who: str, *, good_until: Milliseconds | None = None, failure: Exception | None = None
    ) -> LookUp[str]:
        async def look_up() -> tuple[str, Milliseconds | None]:
            self.questions.append(who)
            await self.open.wait()
            if failure is not None:
                raise failure
            return who, good_until

        return look_up


@pytest.fixture
def blog() -> Blog:
    return Blog()


@pytest.fixture
def cache(clock: Hands) -> AnswerCache[str]:
    return AnswerCache(seconds=15, clock=clock)


async def _settle() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_answer_is_asked_for_once_while_it_is_fresh(cache: AnswerCache[str], blog: Blog, clock: Hands) -> None:
    assert [await cache.get(KEY, blog.about("ada")) for _ in range(3)] == ["ada"] * 3
    clock.advance(seconds=14.5)
    assert await cache.get(KEY, blog.about("ada again")) == "ada"
    assert blog.questions == ["ada"]
    assert (cache.hits, cache.misses) == (3, 1)


@pytest.mark.parametrize("seconds", [15, 16, 3600, -1, -3600])
async def test_answer_is_asked_for_again_when_its_time_is_over_or_the_clock_was_set_back(
    cache: AnswerCache[str], blog: Blog, clock: Hands, seconds: float
) -> None:
    await cache.get(KEY, blog.about("ada"))
    clock.advance(seconds=seconds)
    assert await cache.get(KEY, blog.about("ada again")) == "ada again"


@pytest.mark.parametrize(("good_for_seconds", "kept_for_seconds"), [(5, 5), (60, 15), (0, 0), (-5, 0)])
async def test_answer_is_kept_no_longer_than_it_is_good(
    cache: AnswerCache[str], blog: Blog, clock: Hands, good_for_seconds: int, kept_for_seconds: int
) -> None:
    await cache.get(KEY, blog.about("ada", good_until=clock() + good_for_seconds * 1000))
    if kept_for_seconds:
        clock.advance(seconds=kept_for_seconds - 0.5)
        assert await cache.get(KEY, blog.about("too early")) == "ada"
        clock.advance(seconds=0.5)
    assert await cache.get(KEY, blog.about("ada again")) == "ada again"


async def test_age_counts_from_the_question_and_not_from_a_slow_reply(
    cache: AnswerCache[str], blog: Blog, clock: Hands
) -> None:
    blog.open.clear()
    waiting = asyncio.ensure_future(cache.get(KEY, blog.about("ada")))
    await _settle()
    clock.advance(seconds=10)
    blog.open.set()
    assert await waiting == "ada"
    clock.advance(seconds=5)
    assert await cache.get(KEY, blog.about("ada again")) == "ada again"


async def test_zero_seconds_asks_for_every_request(blog: Blog, clock: Hands) -> None:
    cache: AnswerCache[str] = AnswerCache(seconds=0, clock=clock)
    blog.open.clear()
    waiting = [asyncio.ensure_future(cache.get(KEY, blog.about(str(number)))) for number in range(3)]
    await _settle()
    blog.open.set()
    assert await asyncio.gather(*waiting) == ["0", "1", "2"]
    assert len(cache) == 0


async def test_concurrent_requests_share_one_question(cache: AnswerCache[str], blog: Blog) -> None:
    blog.open.clear()
    waiting = [asyncio.ensure_future(cache.get(KEY, blog.about("ada"))) for _ in range(100)]
    await _settle()
    blog.open.set()
    assert await asyncio.gather(*waiting) == ["ada"] * 100
    assert blog.questions == ["ada"]


async def test_a_question_that_is_too_old_is_not_joined_and_its_reply_does_not_replace_a_newer_one(
    cache: AnswerCache[str], clock: Hands
) -> None:
    slow, quick = Blog(), Blog()
    slow.open.clear()
    old = asyncio.ensure_future(cache.get(KEY, slow.about("before logging out")))
    await _settle()
    clock.advance(seconds=15)
    assert await cache.get(KEY, quick.about("after")) == "after"
    slow.open.set()
    assert await old == "before logging out"
    assert await cache.get(KEY, quick.about("unasked")) == "after"


@pytest.mark.parametrize("failure", [InvalidCredential(), LoginUnavailable(retry_after_seconds=5), RuntimeError("bug")])
async def test_failure_reaches_everybody_who_waits_and_is_not_kept(
    cache: AnswerCache[str], blog: Blog, failure: Exception
) -> None:
    blog.open.clear()
    waiting = [asyncio.ensure_future(cache.get(KEY, blog.about("ada", failure=failure))) for _ in range(3)]
    await _settle()
    blog.open.set()
    assert await asyncio.gather(*waiting, return_exceptions=True) == [failure] * 3
    assert len(cache) == 0
    assert await cache.get(KEY, blog.about("ada")) == "ada"


async def test_one_who_goes_away_does_not_take_the_answer_from_the_others(cache: AnswerCache[str], blog: Blog) -> None:
    blog.open.clear()
    first = asyncio.ensure_future(cache.get(KEY, blog.about("ada")))
    second = asyncio.ensure_future(cache.get(KEY, blog.about("unasked")))
    await _settle()
    first.cancel()
    blog.open.set()
    assert await second == "ada"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_failure_that_nobody_waits_for_any_more_is_no_warning(
    cache: AnswerCache[str], blog: Blog, caplog: pytest.LogCaptureFixture
) -> None:
    blog.open.clear()
    waiting = asyncio.ensure_future(cache.get(KEY, blog.about("ada", failure=LoginUnavailable())))
    await _settle()
    waiting.cancel()
    await _settle()
    blog.open.set()
    await _settle()
    assert await cache.get(KEY, blog.about("ada")) == "ada"
    assert caplog.records == []


async def test_many_keys_at_once_each_get_their_own(cache: AnswerCache[str], blog: Blog) -> None:
    people = [f"reader {number}" for number in range(300)]
    blog.open.clear()
    waiting = [asyncio.ensure_future(cache.get(digest_of(who), blog.about(who))) for who in people * 3]
    await _settle()
    blog.open.set()
    assert await asyncio.gather(*waiting) == people * 3
    assert [await cache.get(digest_of(who), blog.about("unasked")) for who in reversed(people)] == people[::-1]
    assert sorted(blog.questions) == sorted(people)


async def test_count_is_bounded_and_the_oldest_goes_first(blog: Blog, clock: Hands) -> None:
    cache: AnswerCache[str] = AnswerCache(
        seconds=15, clock=clock, max_bytes=3 * shelf.small(KEY, _Kept("a", clock(), clock() + 15_000))
    )
    for who in "abcd":
        await cache.get(digest_of(who), blog.about(who))
        clock.advance(seconds=1)
    assert len(cache) == 3
    assert await cache.get(digest_of("b"), blog.about("unasked")) == "b"
    assert await cache.get(digest_of("a"), blog.about("asked again")) == "asked again"


async def test_what_is_over_is_let_go(cache: AnswerCache[str], blog: Blog, clock: Hands) -> None:
    for number in range(20):
        await cache.get(digest_of(str(number)), blog.about("x"))
    clock.advance(seconds=15)
    await cache.get(KEY, blog.about("ada"))
    assert len(cache) == 1


async def test_stop_ends_questions_under_way_and_forgets(cache: AnswerCache[str], blog: Blog) -> None:
    await cache.get(digest_of("b"), blog.about("b"))
    blog.open.clear()
    waiting = asyncio.ensure_future(cache.get(KEY, blog.about("ada")))
    await _settle()
    await cache.stop()
    assert len(cache) == 0
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("a", ""), ("a",)),
        (("",), ()),
        (("a", "b"), ("b", "a")),
        (("a\0b",), ("a", "b")),
        (("\udcff",), ("\udcfe",)),
        (("é",), ("e\u0301",)),
    ],
)
def test_different_credentials_have_different_keys(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert digest_of(*one) != digest_of(*other)
    assert len(digest_of(*one)) == 32


async def test_memory_holds_no_credential(cache: AnswerCache[str], blog: Blog) -> None:
    await cache.get(digest_of("top-secret-cookie"), blog.about("ada"))
    assert "top-secret-cookie" not in repr(vars(cache))
