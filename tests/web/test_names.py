"""How readers are called, from a token to every place where they are shown."""

from typing import Any

import pytest

from tests.harness import Gatepost, Person, token
from tests.text.test_visible import NOTHING, flag

NAMES = {
    "Persian": "می\u200cخواهم",
    "Kurdish": "ئه\u200cرده\u200cلان",
    "Urdu": "شاه\u200cجہاں",
    "Sinhala": "ශ්\u200dරී",
    "Mongolian": "ᠨ\u180eᠠ",
    "a flag of Scotland": f"Ada {flag('gbsct')}",
    "a family": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
}


def _called(gatepost: Gatepost, name: str, bio: str) -> Person:
    signed = token("ada", now=gatepost.clock(), name=name, bio=bio)
    return Person(gatepost.session, {"Authorization": f"Bearer {signed}"})


async def _shown(gatepost: Gatepost, name: str, bio: str = "") -> Any:
    return (await _called(gatepost, name, bio).get("me")).json["user"]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_name_keeps_the_invisible_characters_that_its_script_needs(gatepost: Gatepost, name: str) -> None:
    comment = (await _called(gatepost, name, f"I am {name}").submit("Hello")).json["comment"]
    await gatepost.moderator().decide(comment["id"], "approve", 1)
    (listed,) = (await gatepost.public())["comments"]
    assert (listed["author"]["name"], listed["author"]["bio"]) == (name, f"I am {name}")
    for ending in ("html", "atom"):
        assert name in (await gatepost.visitor.get(f"posts/post/comments.{ending}")).body.decode()


async def test_name_that_shows_nothing_is_no_name(gatepost: Gatepost) -> None:
    without = await _shown(gatepost, "")
    assert without["name"] == "Reader"
    for text in NOTHING:
        assert await _shown(gatepost, text, text) == without, ascii(text)


async def test_name_that_is_cut_ends_with_a_whole_character(gatepost: Gatepost) -> None:
    scotland = flag("gbsct")
    shown = await _shown(gatepost, scotland * 30)
    assert shown["name"] == scotland * (200 // len(scotland)) + "\U0001f3f4"
