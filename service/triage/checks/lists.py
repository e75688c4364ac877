"""The lists of the site: which of their words, hosts and patterns stand in a text."""

from service.triage.check import TextCheck
from service.triage.facts import Findings, Lean, Verdict, names, spans_of
from service.triage.lists.compiled import Hit
from service.triage.lists.entry import ListKind
from service.triage.seen import Text

MOST_VERDICTS = 20
"""A text can hold a thousand listed words. What a moderator reads of it are the first."""

MATCHED = names("lists.matched", "The lists of the site with an entry that stands in the text.")

_CODES = {ListKind.WORDS: "word-matched", ListKind.HOSTS: "host-matched", ListKind.PATTERNS: "pattern-matched"}


def look(text: Text) -> Findings:
    """One verdict for each entry, with the places where it stands."""
    hits = text.lists.find(text.body, text.shown, text.hosts)
    hits.sort(key=lambda hit: (not hit.places, hit.places[:1], hit.list, hit.entry.value))
    return Findings(
        {MATCHED: frozenset(hit.list for hit in hits)}, tuple(_verdict(text.body, hit) for hit in hits[:MOST_VERDICTS])
    )


def _verdict(body: str, hit: Hit) -> Verdict:
    return Verdict(
        _CODES[hit.kind],
        _sentence(body, hit),
        Lean.HOLD,
        spans=spans_of(hit.places),
        explains={MATCHED: frozenset({hit.list})},
        more={"list": hit.list, "entry": hit.entry.value},
    )


def _sentence(body: str, hit: Hit) -> str:
    entry, of_list = f"“{hit.entry.value}”", f"(list {hit.list})"
    if hit.kind is ListKind.HOSTS:
        return f"Links to {hit.entry.value} {of_list}."
    if not hit.places:
        return f"Readers see {entry} {of_list}."
    start, end = hit.places[0]
    written = " ".join(body[start:end].split())[:100]
    if hit.kind is ListKind.PATTERNS:
        return f"“{written}” fits the pattern {entry} {of_list}."
    if written.casefold() == hit.entry.value.casefold():
        return f"{entry} {of_list}."
    return f"“{written}” reads {entry} {of_list}."


CHECK = TextCheck("lists", (MATCHED,), look)
