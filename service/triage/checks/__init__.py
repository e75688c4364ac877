"""All checks, and all facts that a policy may name. A new check is a file beside this one and its line in `CHECKS`."""

from collections.abc import Iterable
from typing import Final

from service.triage.check import Announced, Check
from service.triage.checks import author, comment, flood, hosts, links, lists, post, queue, repeats, text
from service.triage.facts import Fact, names, number, share

CHECKS: Final[tuple[Check, ...]] = (
    author.CHECK,
    comment.CHECK,
    post.CHECK,
    text.CHECK,
    links.CHECK,
    hosts.CHECK,
    lists.CHECK,
    repeats.CHECK,
    flood.CHECK,
    queue.CHECK,
)

LATER: Final = (
    Announced(
        "wave",
        (
            number("wave.size", "Near-duplicates that came lately, this one included."),
            names("wave.decided", "What was decided on others of the wave: approved, rejected, spam."),
        ),
    ),
    Announced(
        "learned",
        (
            share("learned.spam", "How likely it is spam, by what moderators decided."),
            share("learned.familiar", "Which share of the text is like what moderators have decided on."),
        ),
    ),
)
"""Strike out a fact here when a check brings it."""


def facts_of(checks: Iterable[Check | Announced]) -> dict[str, Fact]:
    """The facts that these say, by their names. Raises ValueError where two say the same one."""
    found: dict[str, Fact] = {}
    for check in checks:
        for fact in check.facts:
            if fact.name in found:
                raise ValueError(f"two checks say {fact.name}")
            found[fact.name] = fact
    return found
