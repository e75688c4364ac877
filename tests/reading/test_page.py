"""Prepared bytes: which coding a client gets, that they decode to the same, that each is made once."""

import asyncio
import gzip

import brotli
import pytest

from service.reading.page import CODERS, CODING_OVERHEAD, IDENTITY, Content, PreparedPage, coding_for

TEXT = b'{"comments": [' + b'{"html": "<p>A comment like many others</p>"},' * 100 + b"{}]}"

ACCEPTED = {
    None: IDENTITY,
    "": IDENTITY,
    "identity": IDENTITY,
    "gzip": "gzip",
    "GZIP": "gzip",
    "br": "br",
    "gzip, deflate, br, zstd": "br",
    "gzip, deflate": "gzip",
    "*": "br",
    "gzip;q=0.5, *;q=0.1": "gzip",
    "br;q=0, *": "gzip",
    "gzip;q=0": IDENTITY,
    "gzip;q=0, br;q=0, *": IDENTITY,
    "*;q=0": IDENTITY,
    "gzip;q=0.5, br;q=0.4": "gzip",
    "gzip;q=0.5, identity": IDENTITY,
    "gzip; q=1.0 , identity; q=0.5": "gzip",
    "identity;q=0": IDENTITY,
    "zstd, compress": IDENTITY,
    "gzip;q=nonsense": IDENTITY,
    "gzip;level=9": "gzip",
    ";;;,,,": IDENTITY,
    "gzip\t;q=1": "gzip",
}


@pytest.mark.parametrize(("accepted", "coding"), ACCEPTED.items(), ids=str)
def test_accept_encoding(accepted: str | None, coding: str) -> None:
    assert coding_for(accepted) == coding


async def test_each_coding_decodes_to_the_same() -> None:
    page = PreparedPage(Content(TEXT, 1))
    plain, zipped, brotlied = [await page.encoded(coding) for coding in (IDENTITY, "gzip", "br")]
    assert plain.body == TEXT == gzip.decompress(zipped.body) == brotli.decompress(brotlied.body)
    assert len(zipped.body) < len(TEXT) / 4 > len(brotlied.body)
    assert len({plain.etag, zipped.etag, brotlied.etag}) == 3


async def test_a_coding_that_failed_once_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(body: bytes) -> bytes:
        raise MemoryError

    page = PreparedPage(Content(TEXT, 1))
    with monkeypatch.context() as broken:
        broken.setitem(CODERS, "gzip", out_of_memory)
        with pytest.raises(MemoryError):
            await page.encoded("gzip")
    assert gzip.decompress((await page.encoded("gzip")).body) == TEXT


async def test_equal_bytes_have_equal_validators_and_others_have_not() -> None:
    for coding in (IDENTITY, *CODERS):
        first, same, other = [
            await PreparedPage(Content(body, revision)).encoded(coding)
            for body, revision in ((TEXT, 1), (TEXT, 2), (TEXT + b" ", 1))
        ]
        assert first.etag == same.etag != other.etag
        assert first.body == same.body  # also the bytes of a gzip file made a second later


async def test_what_is_small_stays_plain() -> None:
    page = PreparedPage(Content(b'{"comments": []}', 1))
    assert await page.encoded("br") == page.ready(IDENTITY)


async def test_a_coding_is_made_once_and_counted_once() -> None:
    page = PreparedPage(Content(TEXT, 1))
    size, grown = page.size, list[int]()
    page.grew = grown.append
    assert page.ready("br") is None
    made = await asyncio.gather(*(page.encoded("br") for _ in range(50)))
    assert all(encoded is made[0] is page.ready("br") for encoded in made)
    assert grown == [len(made[0].body) + CODING_OVERHEAD]
    assert page.size == size + grown[0]
