"""How much arrives at once: from one author, on one post, on the whole site."""

from service.triage.check import ContextCheck
from service.triage.facts import CouldNotRun, Findings, number
from service.triage.seen import Context, Text

AUTHOR = number("flood.author", "Texts of this author in the last 10 minutes, without this one.")
POST = number("flood.post", "Texts on this post in the last 10 minutes, without this one.")
SITE = number("flood.site", "Texts on the site in the last 10 minutes, without this one; 500 are counted at most.")


def look(_: Text, context: Context) -> Findings:
    """The three counts. Their verdicts are the rules' to speak: busy is not wrong."""
    arrived = context.arrived
    if arrived is None:
        raise CouldNotRun("The texts of the last days are still being read.")
    return Findings({AUTHOR: arrived.by_author, POST: arrived.on_post, SITE: arrived.on_site})


CHECK = ContextCheck("flood", (AUTHOR, POST, SITE), look)
