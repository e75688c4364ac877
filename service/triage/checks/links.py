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
MOST_IN_OTHER_LETTERS: Final = 60
"""Hosts of one text that are compared with what they look like: each takes a good part of a millisecond."""
_SHOWS_HOST: Final = re.compile(r"(?:https?://)?((?:[\w-]+\.)+[^\W\d_]{2,})(?:[/?#:]\S*)?\Z")


def look(text: Text) -> Findings:
    """One verdict for all links, one for those that look like others, one for shortened ones."""
    facts = {COUNT: len(text.links), LOOKALIKE: False, SHORTENER: False}
    if not text.links:
        return Findings(facts)
    sentence = "Holds a link." if len(text.links) == 1 else f"Holds {len(text.links)} links."
    verdicts = [Verdict("links", sentence, spans=_spans(text.links), explains={COUNT: len(text.links)})]
    if lookalikes := list(_lookalikes(text)):
        facts[LOOKALIKE] = True
        verdicts += lookalikes
    if short := [link for link in text.links if link.host in SHORTENERS]:
        facts[SHORTENER] = True
        sentence = f"{short[0].host} hides where the link leads."
        verdicts.append(Verdict("shortener", sentence, Lean.HOLD, spans=_spans(short), explains={SHORTENER: True}))
    return Findings(facts, tuple(verdicts))


def _lookalikes(text: Text) -> Iterator[Verdict]:
    """Links that look as if they led elsewhere."""
    claims, in_other_letters = _claims(text.links), {host for host in text.hosts if "xn--" in host}
    other_claims = {shown for _, shown in claims if not shown.isascii()}
    if len(in_other_letters) + len(other_claims) > MOST_IN_OTHER_LETTERS:
        sentence = "Holds more links in other letters than anybody could tell apart."
        some = [link for link in text.links if link.host in in_other_letters or not link.shown.isascii()]
        yield _lookalike("lookalike", sentence, some)
        claims = [(link, shown) for link, shown in claims if shown.isascii()]
    elif looks_like := {host: other for host in in_other_letters if (other := _taken_for(host)) is not None}:
        some = [link for link in text.links if link.host in looks_like]
        host = some[0].host or ""
        sentence = f"Leads to {hosts.shown(host)}, which looks like {looks_like[host]} ({host})."
        yield _lookalike("lookalike", sentence, some)
    if pretending := list(_pretending(claims)):
        link, shown = pretending[0]
        yield _lookalike(
            "shows-another-host", f"Shows {shown}, but leads to {link.host}.", [one for one, _ in pretending]
        )


def _lookalike(code: str, sentence: str, links: Iterable[Link]) -> Verdict:
    return Verdict(code, sentence, Lean.HOLD, spans=_spans(links), explains={LOOKALIKE: True})


def _spans(links: Iterable[Link]) -> tuple[Span, ...]:
    return spans_of(link.place for link in links if link.place is not None)


def _taken_for(host: str) -> str | None:
    """What a host in other letters looks like. One whose ending is written in them does not pretend to be another."""
    *labels, ending = hosts.shown(host).split(".")
    if not ending.isascii():
        return None
    if not any(disguises.imitates(folding.fold(label)) for label in labels):
        return None
    return ".".join([*(disguises.taken_for(folding.fold(label)) for label in labels), ending])


def _claims(links: Iterable[Link]) -> list[tuple[Link, str]]:
    """Links on which a host stands that is not the very one to which they lead."""
    shown = ((link, _SHOWS_HOST.match(link.shown.strip())) for link in links if link.host and not link.is_mailbox)
    claims = [(link, found[1].lower()) for link, found in shown if found]
    return [(link, host) for link, host in claims if host.removeprefix("www.") != link.host]


def _pretending(claims: Iterable[tuple[Link, str]]) -> Iterator[tuple[Link, str]]:
    """Links that show one host and lead to another."""
    for link, claimed in claims:
        shown, host = hosts.folded(claimed), link.host or ""
        if shown is not None and shown != host and shown not in hosts.above(host):
            yield link, hosts.shown(shown)


CHECK = TextCheck("links", (COUNT, LOOKALIKE, SHORTENER), look)
