"""Who wrote it: how their comments fared, for how long they are known, what the blog says they are."""

from service.triage.check import ContextCheck
from service.triage.facts import Findings, Lean, Verdict, flag, names, number, share
from service.triage.seen import Author, Context, Text

DAY = 86_400_000
ENOUGH_DECIDED = 5
"""From so many decisions on, a share of them says something."""
BAD_RECORD = 1 / 3

APPROVED = number("author.approved", "Approved comments of the author, before this one.")
REJECTED = number("author.rejected", "Refused comments of the author.")
WAITING = number("author.waiting", "Comments of the author that wait, before this one.")
REJECTED_SHARE = share("author.rejected_share", "The share of refusals in what humans decided in 90 days, from 5 on.")
KNOWN_DAYS = number("author.known_days", "Whole days since the author was first seen.")
TRUSTED = flag("author.trusted", "A moderator trusts the author.")
ROLE = names("author.role", "What the blog says the author is: moderator, admin.")
LOGIN = names("author.login", "The login through which the author came.")


def look(_: Text, context: Context) -> Findings:
    """What stands in the author's row, and who the login says they are."""
    author = context.author
    known_since = context.now if author.first_seen is None else author.first_seen
    decided = author.decided_90_days
    facts = {
        APPROVED: author.approved,
        REJECTED: author.rejected,
        WAITING: author.waiting,
        REJECTED_SHARE: author.refused_90_days / decided if decided >= ENOUGH_DECIDED else None,
        KNOWN_DAYS: max(0, context.now - known_since) // DAY,
        TRUSTED: author.trusted,
        ROLE: frozenset(str(role) for role in author.roles),
        LOGIN: frozenset({author.login} if author.login else ()),
    }
    return Findings(facts, tuple(_verdicts(author)))


def _verdicts(author: Author) -> list[Verdict]:
    found = []
    if author.trusted:
        found.append(Verdict("trusted", "A moderator trusts this author.", Lean.PASS, explains={TRUSTED: True}))
    if author.approved == 0:
        text = "No comment of this author was approved before."
        found.append(Verdict("newcomer", text, Lean.HOLD, explains={APPROVED: 0}))
    decided, refused = author.decided_90_days, author.refused_90_days
    if decided >= ENOUGH_DECIDED and refused / decided >= BAD_RECORD:
        text = f"{refused} of the last {decided} comments of this author were refused."
        found.append(Verdict("bad-record", text, Lean.HOLD, explains={REJECTED_SHARE: refused / decided}))
    return found


CHECK = ContextCheck("author", (APPROVED, REJECTED, WAITING, REJECTED_SHARE, KNOWN_DAYS, TRUSTED, ROLE, LOGIN), look)
