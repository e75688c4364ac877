"""How busy moderators are."""

from service.triage.check import ContextCheck
from service.triage.facts import Findings, number
from service.triage.seen import Context, Text

WAITING = number("queue.waiting", "Entries in the site's queue.")


def look(_: Text, context: Context) -> Findings:
    """The counter that the site keeps."""
    return Findings({WAITING: context.waiting})


CHECK = ContextCheck("queue", (WAITING,), look)
