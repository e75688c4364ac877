"""The links of a text: how many there are, and where they stand."""

from collections.abc import Iterator

from service.triage.check import TextCheck
from service.triage.facts import Findings, Verdict, number, spans_of
from service.triage.seen import Text

MOST_PLACED = 100
"""Enough for the spans of a verdict; a text can hold a thousand links."""

COUNT = number("links.count", "Links that readers can click, to pages and to mailboxes.")


def look(text: Text) -> Findings:
    """One verdict for all links, with a span for each that can be found in the source."""
    count = len(text.links)
    if count == 0:
        return Findings({COUNT: 0})
    sentence = "Holds a link." if count == 1 else f"Holds {count} links."
    return Findings({COUNT: count}, (Verdict("links", sentence, spans=spans_of(_places(text))),))


def _places(text: Text) -> Iterator[tuple[int, int]]:
    """Where the links stand in the body. The renderer does not say, so each is looked for behind the one before.

    An address may stand there in another spelling (`ö` for `%C3%B6`); then what readers click on is marked. A link of
    which neither stands there has no place.
    """
    behind = 0
    for link in text.links[:MOST_PLACED]:
        clicked = link.shown if ":" in link.shown else f"[{link.shown}]"
        place = _first(text.body, {link.address, link.address.replace("&", "&amp;")}, behind)
        place = place or _first(text.body, {clicked}, behind)
        if place is not None:
            behind = place[1]
            yield place


def _first(body: str, spellings: set[str], behind: int) -> tuple[int, int] | None:
    """Where the first of these begins and ends."""
    found = [(start, start + len(one)) for one in spellings if (start := body.find(one, behind)) >= 0]
    return min(found, default=None)


CHECK = TextCheck("links", (COUNT,), look)
