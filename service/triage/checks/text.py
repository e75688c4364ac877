"""The look of a text: how long it is, whether one character goes on and on, whether it shouts or hides its words."""

import re
from collections.abc import Iterator
from heapq import merge

from service.text import disguises, folding
from service.text.letters import Letters
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

_CASES = Letters(lambda some: [" " if not one.isalpha() else "A" if one.isupper() else "a" for one in some])
"""Of letters, whether they are capitals."""
_WORD = re.compile(r"[^\W_]{3,}")
_PAIR = re.compile(r"(\S)\1")
_RUN = re.compile(r"(\S)\1{2,}")
_LONG_RUN = re.compile(rf"(\S)\1{{{LONG_RUN - 1},}}", re.IGNORECASE)


def look(text: Text) -> Findings:
    """Length and runs are those of the plain text; capitals are those that readers see."""
    longest = _longest_run(text.plain)
    capitals = _capitals_share(text.shown)
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


def _longest_run(text: str) -> int:
    longest = max((len(run[0]) for run in _RUN.finditer(text)), default=0)
    return longest or (2 if _PAIR.search(text) else min(1, len(text)))


def _capitals_share(text: str) -> float | None:
    cases = _CASES.of(text)
    capitals = cases.count("A")
    letters = capitals + cases.count("a")
    return capitals / letters if letters >= ENOUGH_LETTERS else None


def _disguised(body: str) -> Iterator[tuple[int, int]]:
    """Words with look-alikes among their letters, with letters made for formulas, with something hidden inside; in
    order."""
    if not body.isascii():
        yield from merge(disguises.hidden_places(body), _changed(body))


def _changed(body: str) -> Iterator[tuple[int, int]]:
    folded = folding.folded(body)
    has_mixed, has_styled = disguises.may_be_mixed(folded.text), disguises.has_styled(body)
    if not has_mixed and not has_styled:
        return
    own = disguises.own_alphabets(folded.text)
    for word in _WORD.finditer(folded.text):
        is_mixed = has_mixed and not word[0].isascii() and disguises.is_mixed(word[0], own)
        if is_mixed or (has_styled and disguises.is_styled(body[slice(*folded.span(*word.span()))])):
            yield folded.span(*word.span())


CHECK = TextCheck("text", (CHARACTERS, REPEATED_RUN, CAPITALS_SHARE, DISGUISED), look)
