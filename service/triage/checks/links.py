"""The links of a text: how many there are, where they stand, and whether they hide where they lead."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from service.text import disguises, folding
from service.triage.check import TextCheck
from service.triage.facts import Findings, Lean, Span, Verdict, flag, number, spans_of
from service.triage.lists import hosts
from service.triage.seen import Link, Text

COUNT = number("links.count", "Links that readers can click, to pages and to mailboxes.")
LOOKALIKE = flag("links.lookalike", "A link leads to a host that looks like another one, or shows another one.")
SHORTENER = flag("links.shortener", "A link hides where it leads behind a shortener.")

_SHORTENERS: Final = """
bit.ly bitly.com bl.ink buff.ly clck.ru cutt.ly dlvr.it fb.me goo.gl goo.su is.gd j.mp kutt.it lnkd.in ow.ly
qr.ae rb.gy rebrand.ly s.id shorturl.at shorturl.gg surl.li short.gy shrtco.de soo.gd t.co t.ly tiny.cc
tinyurl.com tny.im u.to urlz.fr v.gd vk.cc wp.me x.gd adf.ly shorte.st ouo.io snip.ly tr.im trib.al amzn.to
"""
SHORTENERS: Final = frozenset(_SHORTENERS.split())
_SHOWS_HOST: Final = re.compile(r"(?:https?://)?((?:[\w-]+\.)+[^\W\d_]{2,})(?:[/?#:]\S*)?\Z")


def look(text: Text) -> Findings:
    """One verdict for all links, one for those that look like others, one for shortened ones."""
    facts = {COUNT: len(text.links), LOOKALIKE: False, SHORTENER: False}
    if not text.links:
        return Findings(facts)
    sentence = "Holds a link." if len(text.links) == 1 else f"Holds {len(text.links)} links."
    verdicts = [Verdict("links", sentence, spans=_spans(text.links), explains={COUNT: len(text.links)})]
    looks_like = {host: other for host in text.hosts if (other := _taken_for(host)) is not None}
    if looks_like:
        facts[LOOKALIKE] = True
        host, other = next(iter(looks_like.items()))
        sentence = f"Leads to {hosts.shown(host)}, which looks like {other} ({host})."
        some = [link for link in text.links if link.host in looks_like]
        verdicts.append(Verdict("lookalike", sentence, Lean.HOLD, spans=_spans(some), explains={LOOKALIKE: True}))
    if pretending := list(_pretending(text.links)):
        facts[LOOKALIKE] = True
        link, shown = pretending[0]
        sentence = f"Shows {shown}, but leads to {link.host}."
        spans = _spans(link for link, _ in pretending)
        verdicts.append(Verdict("shows-another-host", sentence, Lean.HOLD, spans=spans, explains={LOOKALIKE: True}))
    if short := [link for link in text.links if link.host in SHORTENERS]:
        facts[SHORTENER] = True
        sentence = f"{short[0].host} hides where the link leads."
        verdicts.append(Verdict("shortener", sentence, Lean.HOLD, spans=_spans(short), explains={SHORTENER: True}))
    return Findings(facts, tuple(verdicts))


def _spans(links: Iterable[Link]) -> tuple[Span, ...]:
    return spans_of(link.place for link in links if link.place is not None)


def _taken_for(host: str) -> str | None:
    """What a host in other letters looks like. One whose ending is written in them does not pretend to be another."""
    if "xn--" not in host:
        return None
    *labels, ending = hosts.shown(host).split(".")
    if not ending.isascii():
        return None
    if not any(disguises.imitates(folding.fold(label)) for label in labels):
        return None
    return ".".join([*(disguises.taken_for(folding.fold(label)) for label in labels), ending])


def _pretending(links: Iterable[Link]) -> Iterator[tuple[Link, str]]:
    """Links that show one host and lead to another."""
    for link in links:
        if link.is_mailbox or link.host is None:
            continue
        found = _SHOWS_HOST.match(link.shown.strip())
        shown = hosts.folded(found[1]) if found else None
        if shown is not None and shown != link.host and shown not in hosts.above(link.host):
            yield link, hosts.shown(shown)


CHECK = TextCheck("links", (COUNT, LOOKALIKE, SHORTENER), look)
