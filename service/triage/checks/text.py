"""The look of a text: how long it is, whether one character goes on and on, whether it shouts."""

import re

from service.triage.check import TextCheck
from service.triage.facts import Findings, Lean, Verdict, number, share, spans_of
from service.triage.seen import Text

ENOUGH_LETTERS = 20
"""Fewer say nothing about capitals: "OK, NASA!" shouts at nobody."""
LONG_RUN = 8
SHOUTING = 0.7

CHARACTERS = number("text.characters", "Characters of the text that show.")
REPEATED_RUN = number("text.repeated_run", "The longest run of one character.")
CAPITALS_SHARE = share("text.capitals_share", "The share of capitals in the letters, from 20 letters on.")

_RUN = re.compile(r"(\S)\1+")
_LONG_RUN = re.compile(rf"(\S)\1{{{LONG_RUN - 1},}}", re.IGNORECASE)


def look(text: Text) -> Findings:
    """Length and runs are those of the plain text; capitals are those that readers see."""
    longest = max((run.end() - run.start() for run in _RUN.finditer(text.plain)), default=min(1, len(text.plain)))
    letters = [character for character in text.shown if character.isalpha()]
    capitals = sum(map(str.isupper, letters)) / len(letters) if len(letters) >= ENOUGH_LETTERS else None
    verdicts = []
    if longest >= LONG_RUN:
        spans = spans_of(run.span() for run in _LONG_RUN.finditer(text.body))
        sentence = f"One character stands {longest} times in a row."
        verdicts.append(Verdict("repeated-run", sentence, spans=spans, explains={REPEATED_RUN: longest}))
    if capitals is not None and capitals >= SHOUTING:
        sentence = f"{capitals:.0%} of the letters are capitals."
        verdicts.append(Verdict("capitals", sentence, Lean.HOLD, explains={CAPITALS_SHARE: capitals}))
    facts = {CHARACTERS: len(text.plain), REPEATED_RUN: longest, CAPITALS_SHARE: capitals}
    return Findings(facts, tuple(verdicts))


CHECK = TextCheck("text", (CHARACTERS, REPEATED_RUN, CAPITALS_SHARE), look)
