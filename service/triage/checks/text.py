"""The look of a text: how long it is, whether one character goes on and on, whether it shouts or hides its words."""

import re
from collections.abc import Iterator
from heapq import merge

from service.text import disguises, folding
from service.triage.check import TextCheck
from service.triage.facts import Findings, Lean, Verdict, flag, number, share, spans_in_order, spans_of
from service.triage.seen import Text

ENOUGH_LETTERS = 20
"""Fewer say nothing about capitals: "OK, NASA!" shouts at nobody."""
LONG_RUN = 8
SHOUTING = 0.7

CHARACTERS = number("text.characters", "Characters of the text that show.")
REPEATED_RUN = number("text.repeated_run", "The longest run of one character.")
CAPITALS_SHARE = share("text.capitals_share", "The share of capitals in the letters, from 20 letters on.")
DISGUISED = flag("text.disguised", "Letters were changed inside words, or invisible ones were put there.")

_WORD = re.compile(r"[^\W_]{3,}")
_RUN = re.compile(r"((\S)\2+)")
_LONG_RUN = re.compile(rf"(\S)\1{{{LONG_RUN - 1},}}", re.IGNORECASE)


def look(text: Text) -> Findings:
    """Length and runs are those of the plain text; capitals are those that readers see."""
    longest = max((len(run) for run, _ in _RUN.findall(text.plain)), default=min(1, len(text.plain)))
    letters = "".join(filter(str.isalpha, text.shown))
    capitals = sum(map(str.isupper, letters)) / len(letters) if len(letters) >= ENOUGH_LETTERS else None
    verdicts = []
    if longest >= LONG_RUN:
        spans = spans_of(run.span() for run in _LONG_RUN.finditer(text.body))
        sentence = f"One character stands {longest} times in a row."
        verdicts.append(Verdict("repeated-run", sentence, spans=spans, explains={REPEATED_RUN: longest}))
    if capitals is not None and capitals >= SHOUTING:
        sentence = f"{capitals:.0%} of the letters are capitals."
        verdicts.append(Verdict("capitals", sentence, Lean.HOLD, explains={CAPITALS_SHARE: capitals}))
    if disguised := spans_in_order(_disguised(text.body)):
        start, end = disguised[0].start, disguised[0].end
        sentence = f"“{text.body[start:end][:100]}” is written in letters that only look like these."
        verdicts.append(Verdict("disguised", sentence, Lean.HOLD, spans=disguised, explains={DISGUISED: True}))
    facts = {
        CHARACTERS: len(text.plain),
        REPEATED_RUN: longest,
        CAPITALS_SHARE: capitals,
        DISGUISED: bool(disguised),
    }
    return Findings(facts, tuple(verdicts))


def _disguised(body: str) -> Iterator[tuple[int, int]]:
    """Words with look-alikes among their letters, with letters made for formulas, with something hidden inside; in
    order."""
    if not body.isascii():
        yield from merge(disguises.hidden_places(body), _changed(body))


def _changed(body: str) -> Iterator[tuple[int, int]]:
    folded = folding.folded(body)
    own = disguises.own_alphabets(folded.text)
    has_styled = disguises.has_styled(body)
    distinct = {word for word in _WORD.findall(folded.text) if not word.isascii()}
    mixed = {word for word in distinct if disguises.is_mixed(word, own)}
    if mixed or has_styled:
        for word in _WORD.finditer(folded.text):
            if word[0] in mixed:
                yield folded.span(*word.span())
            elif has_styled and disguises.is_styled(body[slice(*(place := folded.span(*word.span())))]):
                yield place


CHECK = TextCheck("text", (CHARACTERS, REPEATED_RUN, CAPITALS_SHARE, DISGUISED), look)
