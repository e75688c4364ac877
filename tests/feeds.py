"""Is it a valid feed? Asked of every feed that any test reads: by a grammar of RFC 4287, by its rules, and by a reader.

Whatever reads replies for the tests calls `require_valid` with each of them: `harness`, `plain_http`, `test_hatch`.
"""

import gzip
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import brotli
import feedparser
import html5lib
from lxml import etree

ATOM = "application/atom+xml"
NO_HTML = "content is no HTML"
NAME = "{http://www.w3.org/2005/Atom}"
DECODERS = {"br": brotli.decompress, "gzip": gzip.decompress}
SCHEMA = Path(__file__).with_name("feed.rng")

# RFC 3987, 2.2, rule by rule: what an address may be made of.
_UCSCHAR = "\xa0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef" + "".join(
    f"{chr(first)}-{chr(first + 0xFFFD)}" for first in range(0x10000, 0xF0000, 0x10000)
)
_IPRIVATE = "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"
_PCT = "%[0-9A-Fa-f]{2}"
_IUNRESERVED, _SUB_DELIMS = rf"A-Za-z0-9\-._~{_UCSCHAR}", "!$&'()*+,;="
_IPCHAR = rf"[{_IUNRESERVED}{_SUB_DELIMS}:@]|{_PCT}"
_IREG_NAME = rf"(?:[{_IUNRESERVED}{_SUB_DELIMS}]|{_PCT})+"
_IAUTHORITY = rf"(?:\[[0-9A-Fa-f:.]+\]|{_IREG_NAME})(?::[0-9]*)?"
_IPATH = rf"(?:/(?:{_IPCHAR})*)*"
_ITAIL = rf"(?:\?(?:{_IPCHAR}|[{_IPRIVATE}/?])*)?(?:#(?:{_IPCHAR}|[/?])*)?"
IRI = re.compile(rf"https?://{_IAUTHORITY}{_IPATH}{_ITAIL}", re.IGNORECASE)
"""Of the web, and without a user: HTML knows none in a valid address."""
OWN_ADDRESS = re.compile(rf"(?:https?://{_IAUTHORITY})?{_IPATH}{_ITAIL}", re.IGNORECASE)
"""The feed's own may be a path, where the owner has not said how readers reach the service."""
BIDIRECTIONAL = re.compile("[\u200e\u200f\u202a-\u202e]")
"""No address may have one (RFC 3987, 4.1)."""


def require_valid(status: int, headers: Mapping[str, str], body: bytes, *, coding: str = "") -> None:
    """Look at a reply, if it is a whole feed. Raises AssertionError with everything that is wrong with it."""
    if status == 200 and body and headers.get("Content-Type", "").startswith(ATOM):
        feed = DECODERS[coding](body) if coding else body
        found = list(faults(feed))
        assert not found, "\n".join([*found, feed.decode("utf-8", "replace")])


def faults(feed: bytes) -> Iterator[str]:
    """Whatever is wrong with a feed, a sentence each."""
    try:
        root = etree.fromstring(feed, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        yield f"is no XML: {error}"
        return
    schema = _schema()
    if not schema.validate(root):
        yield from (f"line {error.line}: {error.message}" for error in schema.error_log)
        return
    yield from _addresses(root)
    yield from _links(root)
    yield from _moments(root)
    yield from _texts(root)
    read = feedparser.parse(feed)
    if read.bozo or read.version != "atom10" or len(read.entries) != len(root.findall(f"{NAME}entry")):
        yield f"a feed reader does not understand it: {read.get('bozo_exception')}"


@cache
def _schema() -> Any:
    return etree.RelaxNG(etree.parse(SCHEMA))


def _addresses(root: Any) -> Iterator[str]:
    links = [(link.get("href"), OWN_ADDRESS if link.get("rel") == "self" else IRI) for link in root.iter(f"{NAME}link")]
    for address, form in [*links, *((uri.text, IRI) for uri in root.iter(f"{NAME}uri"))]:
        if not form.fullmatch(address) or BIDIRECTIONAL.search(address):
            yield f"{address!r} is no IRI (RFC 3987)"
    counted = Counter(one.text for one in root.iter(f"{NAME}id"))
    yield from (f"the id {one} is there {count} times" for one, count in counted.items() if count > 1)


def _links(root: Any) -> Iterator[str]:
    """One link of a kind, and the feed's own address (4.1.1, 4.1.2)."""
    for element in (root, *root.iter(f"{NAME}entry")):
        kinds = Counter(link.get("rel") for link in element.findall(f"{NAME}link"))
        if kinds["alternate"] > 1 or kinds["self"] != (element is root):
            yield f"{element.tag.removeprefix(NAME)} has the links {dict(kinds)}"


def _moments(root: Any) -> Iterator[str]:
    """Entries are in the order in which they were shown, none before it was published; the first dates the feed."""
    shown = [element.text for element in root.findall(f"{NAME}entry/{NAME}updated")]
    published = [element.text for element in root.findall(f"{NAME}entry/{NAME}published")]
    if shown != sorted(shown, reverse=True):
        yield f"entries are not in the order of their updates: {shown}"
    for one, first in zip(shown, published, strict=True):
        if one < first:
            yield f"an entry was updated at {one}, before it was published at {first}"
    if shown and root.findtext(f"{NAME}updated") != shown[0]:
        yield "the feed was updated at another moment than its newest entry"


def _texts(root: Any) -> Iterator[str]:
    """HTML that could stand in a `div` (3.1.1.2)."""
    for content in root.iter(f"{NAME}content"):
        parser = html5lib.HTMLParser(strict=False)
        parser.parseFragment(content.text or "", container="div")
        yield from (f"{NO_HTML}: {code} at {place}" for place, code, _ in parser.errors)
