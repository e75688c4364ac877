"""Verified tokens are remembered, but never longer than they are good."""

from service.auth.verified import VerifiedTokens
from service.model import Identity, Profile, SiteKey
from tests.harness import Gatepost, Hands


def _identity(name: str) -> Identity:
    return Identity(SiteKey("blog"), "jwt", name, Profile(name))


def test_a_token_is_remembered_until_it_expires(clock: Hands) -> None:
    verified = VerifiedTokens(clock=clock)
    verified.keep("token", _identity("ada"), {"exp": clock() / 1000 + 60})
    clock.advance(seconds=59)
    assert verified.find("token") == _identity("ada")
    clock.advance(seconds=2)
    assert verified.find("token") is None


def test_another_token_is_another_person(clock: Hands) -> None:
    verified = VerifiedTokens(clock=clock)
    verified.keep("one", _identity("ada"), {"exp": clock() / 1000 + 60})
    verified.keep("two", _identity("grace"), {"exp": clock() / 1000 + 60})
    assert verified.find("one") == _identity("ada")
    assert verified.find("two") == _identity("grace")
    assert verified.find("three") is None


def test_only_so_many_are_remembered(clock: Hands) -> None:
    verified = VerifiedTokens(clock=clock, max_bytes=1200)
    for name in ("one", "two", "three"):
        verified.keep(name, _identity(name), {"exp": clock() / 1000 + 60})
    assert [verified.find(name) is not None for name in ("one", "two", "three")] == [False, True, True]


def test_who_tells_much_of_themselves_takes_more_room(clock: Hands) -> None:
    verified = VerifiedTokens(clock=clock, max_bytes=21_000)
    for number in range(20):
        person = Identity(SiteKey("blog"), "jwt", f"{number}", Profile("Ada", bio="x" * 2_000, url=None))
        verified.keep(f"{number}", person, {"exp": clock() / 1000 + 60})
    assert [verified.find(f"{number}") is not None for number in range(20)] == [False] * 12 + [True] * 8


async def test_a_token_that_was_accepted_stops_working_when_it_expires(gatepost: Gatepost) -> None:
    reader = gatepost.reader("ada")
    assert (await reader.get("me")).status == 200
    assert (await reader.get("me")).status == 200
    gatepost.clock.advance(seconds=3600 + 61)
    assert (await reader.get("me")).status == 401
