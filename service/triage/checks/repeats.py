"""Texts that come again: equal letters, whatever their disguise, their case and what stands between them."""

from itertools import islice

from service.triage.check import ContextCheck
from service.triage.facts import CouldNotRun, Findings, Lean, Verdict, number
from service.triage.seen import Context, Text

ENOUGH_LETTERS = 4
"""A shorter text says what many say: "Yes." """

BY_AUTHOR = number("repeats.by_author", "Equal texts of this author within 7 days.")
ON_SITE = number("repeats.on_site", "Equal texts on the site within 72 hours.")


def look(text: Text, context: Context) -> Findings:
    """How often it came before, without this time."""
    if context.arrived is None:
        raise CouldNotRun("The texts of the last days are still being read.")
    if len(list(islice(filter(str.isalpha, text.plain), ENOUGH_LETTERS))) < ENOUGH_LETTERS:
        return Findings({})
    by_author, on_site = context.arrived.equal_by_author, context.arrived.equal_on_site
    verdicts = []
    if by_author:
        sentence = f"Its author sent this text {_times(by_author)} in 7 days before."
        verdicts.append(Verdict("repeated-by-author", sentence, Lean.HOLD, explains={BY_AUTHOR: by_author}))
    if on_site:
        sentence = f"This text came {_times(on_site)} in 72 hours before."
        verdicts.append(Verdict("repeated-on-site", sentence, Lean.HOLD, explains={ON_SITE: on_site}))
    return Findings({BY_AUTHOR: by_author, ON_SITE: on_site}, tuple(verdicts))


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


CHECK = ContextCheck("repeats", (BY_AUTHOR, ON_SITE), look)
