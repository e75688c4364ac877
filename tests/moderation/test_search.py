"""Words are found in the queue whatever their case, width and composition, and alike on every database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.harness import Gatepost, Hands, configuration
from tests.launch import launch

pytestmark = pytest.mark.own_engines
# What stands in a comment, and what a moderator may type to find it.
FOUND = [
    ("ПРИВЕТ, мир", "привет"),
    ("привет", "ПРИВЕТ"),
    ("STRASSE", "straße"),
    ("straße", "STRASSE"),
    ("İSTANBUL", "istanbul"),
    ("istanbul", "İSTANBUL"),
    ("ISPARTA", "ısparta"),
    ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
    ("οδυσσεύς", "ΟΔΥΣΣΕΎΣ"),
    ("café", "CAFE\u0301"),
    ("ＦＲＥＥ ｐｉｌｌｓ", "free pills"),
    ("ﬁne", "FINE"),
    ("ԱՐԵՒ", "արև"),
    ("𐐔𐐯𐑅𐐨𐑉𐐯𐐻", "𐐼𐐯𐑅𐐨𐑉𐐯𐐻"),
    ("50% off_er", "50% OFF_"),
    ("via\u200bgra", "viagra"),
    ("co\u00adop\u200e", "COOP"),
    ("می\u200cخواهم", "میخواهم"),
    ("خواهم", "خوا\u200cهم"),
    ("f\U000e0061ree\ufe0f", "free"),
]
NOT_FOUND = [("привет", "приват"), ("50 off", "50%"), ("offer", "off_r"), ("a\\b", "a/b"), ("café", "cafe")]


@pytest.fixture(params=["sqlite", "postgres", "postgres, LC_CTYPE = C"])
async def anywhere(request: pytest.FixtureRequest, clock: Hands) -> AsyncIterator[Gatepost]:
    """A service on each database that differs in what it knows of letters."""
    fixture = {"sqlite": "store_path", "postgres": "postgres_url"}.get(request.param, "postgres_url_without_letters")
    url = str(request.getfixturevalue(fixture))
    async with AsyncExitStack() as stack:
        yield await launch(stack, configuration(url if "://" in url else f"sqlite:///{url}"), clock=clock)


async def found(gatepost: Gatepost, words: str) -> list[str]:
    """The texts that a search brings, and as many as it says."""
    answer = await gatepost.moderator().get("queue", params={"q": words, "limit": 200})
    assert (answer.status, answer.json["total"]) == (200, len(answer.json["entries"]))
    return [entry["comment"]["body"] for entry in answer.json["entries"]]


async def test_words_are_found_whatever_their_case(anywhere: Gatepost) -> None:
    for text, _ in FOUND:
        await anywhere.reader("ada").submit(text)
    assert [(text, words) for text, words in FOUND if text not in await found(anywhere, words)] == []


async def test_other_words_are_not_found(anywhere: Gatepost) -> None:
    for text, _ in NOT_FOUND:
        await anywhere.reader("ada").submit(text)
    assert [(text, words) for text, words in NOT_FOUND if text in await found(anywhere, words)] == []


async def test_searches_find_the_text_and_the_name_that_wait_now(anywhere: Gatepost) -> None:
    ada = anywhere.reader("ÉMILIE")
    pending = (await ada.submit("ПЕРВЫЙ")).json["comment"]
    assert await found(anywhere, "émilie") == ["ПЕРВЫЙ"]
    await ada.edit(pending["id"], "ВТОРОЙ", 1)
    assert (await found(anywhere, "первый"), await found(anywhere, "второй")) == ([], ["ВТОРОЙ"])
    await anywhere.moderator().decide(pending["id"], "approve", 2)
    assert await found(anywhere, "второй") == []
    await ada.edit(pending["id"], "ТРЕТИЙ", 3)
    assert await found(anywhere, "второй") == await found(anywhere, "третий") == ["ВТОРОЙ"]
    discarded = await anywhere.moderator().decide(pending["id"], "discard_edit", 4)
    assert await found(anywhere, "третий") == []
    await anywhere.moderator().undo(discarded.json["decision"]["id"])
    assert await found(anywhere, "третий") == ["ВТОРОЙ"]
    await ada.edit(pending["id"], "ЧЕТВЁРТЫЙ", 6)
    assert (await found(anywhere, "третий"), await found(anywhere, "четвёртый")) == ([], ["ВТОРОЙ"])
    await anywhere.moderator().decide(pending["id"], "delete", 7)
    await anywhere.moderator().decide(pending["id"], "restore", 8)
    assert (await found(anywhere, "второй"), await found(anywhere, "четвёртый")) == ([], ["ЧЕТВЁРТЫЙ"])
