"""All checks, and all facts that a policy may name. A new check is a file beside this one and its line in `CHECKS`."""

from collections.abc import Iterable
from typing import Final

from service.triage.check import Announced, Check
from service.triage.checks import author, comment, links, post, queue, text
from service.triage.facts import Fact, flag, names, number, share

CHECKS: Final[tuple[Check, ...]] = (
    author.CHECK,
    comment.CHECK,
    post.CHECK,
    text.CHECK,
    links.CHECK,
    queue.CHECK,
)

LATER: Final = (
    Announced(
        "text", (flag("text.disguised", "Letters were changed inside words, or invisible ones were put there."),)
    ),
    Announced(
        "links",
        (
            number("links.new_hosts", "Hosts that no approved comment of the site links to."),
            flag("links.lookalike", "A host looks like another one."),
            flag("links.shortener", "A link hides where it leads behind a shortener."),
        ),
    ),
    Announced("lists", (names("lists.matched", "The lists of the site with an entry that stands in the text."),)),
    Announced(
        "repeats",
        (
            number("repeats.by_author", "Equal texts of this author within 7 days."),
            number("repeats.on_site", "Equal texts on the site within 72 hours."),
        ),
    ),
    Announced(
        "wave",
        (
            number("wave.size", "Near-duplicates that came lately, this one included."),
            names("wave.decided", "What was decided on others of the wave: approved, rejected, spam."),
        ),
    ),
    Announced(
        "flood",
        (
            number("flood.author", "Texts of this author in the last 10 minutes, without this one."),
            number("flood.post", "Texts on this post in the last 10 minutes, without this one."),
            number("flood.site", "Texts on the site in the last 10 minutes, without this one."),
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
