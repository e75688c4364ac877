"""The hosts that a text links to: whether an approved comment of the site led there before."""

from service.triage.check import ContextCheck
from service.triage.facts import CouldNotRun, Findings, Lean, Verdict, number, spans_of
from service.triage.lists.hosts import shown
from service.triage.seen import Context, Text

NEW = number("links.new_hosts", "Hosts that no approved comment of the site links to.")


def look(text: Text, context: Context) -> Findings:
    """One verdict for all new hosts."""
    new = context.new_hosts
    if new is None:
        raise CouldNotRun("The links of earlier comments are still being read.")
    if not new:
        return Findings({NEW: 0})
    first, more = min(new), len(new) - 1
    others = f" and {more} more" if more else ""
    sentence = f"Links to {shown(first)}{others}, which no approved comment here does."
    spans = spans_of(place for host in sorted(new) for place in text.hosts.get(host, ()))
    return Findings({NEW: len(new)}, (Verdict("new-host", sentence, Lean.HOLD, spans=spans),))


CHECK = ContextCheck("hosts", (NEW,), look)
