"""Judges a text by its site's policy. Called by the verbs that take texts, inside their transactions.

What can be said of the text alone is found out before the transaction (`look`), beside rendering. Inside it, one query
brings what the other checks want to know, and one pure function makes the judgement. Where a site has no rules no check
runs: its policy says what becomes of every text.
"""

from dataclasses import dataclass
from typing import NamedTuple

import structlog

from service.model import Author, AuthorKey, Comment, CommentId, PostKey, Role, SiteRules, Status, Why
from service.moderation import lists, policies
from service.store import arrivals, judgements, standing
from service.store import lists as stored_lists
from service.store.database import Transaction
from service.store.standing import Surroundings
from service.triage import look as checks
from service.triage import seen
from service.triage.facts import Facts, Verdict
from service.triage.judge import judge as judged
from service.triage.judgement import Judgement
from service.triage.lists.compiled import NO_LISTS, Lists
from service.triage.outcome import Outcome

log = structlog.get_logger()
_NOTHING_FOUND = Facts()


@dataclass(frozen=True, slots=True)
class Looked:
    """A text as checks see it, and what those found that need nothing else."""

    text: seen.Text
    facts: Facts


class Incoming(NamedTuple):
    """Where a text is to stand and who sends it: their record before it, their roles and login as they are now."""

    post: PostKey
    author_key: AuthorKey
    author: Author | None
    roles: frozenset[Role]
    login: str
    is_reply: bool
    is_edit: bool = False
    edits_approved: bool = False
    text_version: int = 1
    comment_id: CommentId | None = None
    """Of which comment it is another text."""


def look(body: str, html: str, lists_of_site: Lists = NO_LISTS) -> Looked:
    """Let the checks of the text alone look, before the transaction. Takes up to some milliseconds."""
    text = seen.text_of(body, html, lists_of_site)
    arrivals.key_of(body)  # remembers it for the transaction
    facts = checks.at_text(text)
    _log_failures(facts)
    return Looked(text, facts)


def look_if_needed(site: SiteRules, body: str, html: str) -> Looked | None:
    """The same, where rules of the site will probably want it. Where it turns out so later, `judge` does it."""
    return look(body, html, lists.remembered(site.key)) if policies.may_have_rules(site.key) else None


def judge(
    tx: Transaction,
    site: SiteRules,
    digest: str | None,
    incoming: Incoming,
    body: str,
    html: str,
    looked: Looked | None,
) -> Judgement:
    """What the policy with this digest says of a text, by everything that is known now."""
    policy = policies.current(tx, site, digest)
    facts = _NOTHING_FOUND
    if policy.rules:
        found = standing.surroundings(
            tx, site.key, incoming.post, incoming.author_key, body=body, comment_id=incoming.comment_id
        )
        lists_now = lists.compiled(tx, site.key, found.lists_mark)
        if looked is None or looked.text.lists is not lists_now:
            looked = look(body, html, lists_now)
        of_context = checks.at_context(looked.text, _context(tx, site, incoming, looked.text, found))
        _log_failures(of_context)
        facts = looked.facts.joined(of_context)
    return judged(facts, policy, at=tx.now, text_version=incoming.text_version, edits_approved=incoming.edits_approved)


def keep(tx: Transaction, comment: Comment, judgement: Judgement) -> None:
    """Keep what was said of the comment's newest text, where the site has a policy of its own; and that it came."""
    if judgement.policy_version > 0:
        judgements.add(tx, comment.id, judgement.as_json())
    if judgement.facts.values:  # checks have looked, so the site has rules
        arrivals.add(tx, comment, tx.now)
        for hit in {(verdict.more["list"], verdict.more["entry"]) for verdict in _matches(judgement)}:
            stored_lists.hit(tx, comment.site, *hit, comment.id, acted=judgement.outcome is not Outcome.PUBLISH)


def _matches(judgement: Judgement) -> list[Verdict]:
    return [verdict for verdict in judgement.facts.verdicts if "entry" in verdict.more]


def status_of(judgement: Judgement) -> Status:
    """What becomes of a new comment.

    For now `reject`, `spam` and `refuse` hold it as well: moderators cannot see yet what rules did alone.
    """
    return Status.APPROVED if judgement.outcome is Outcome.PUBLISH else Status.PENDING


def why_held(judgement: Judgement) -> Why:
    """Why somebody must look at a new comment that is held."""
    if not judgement.by or judgement.audited:
        return Why.AWAITING_APPROVAL
    unknown = {one.rule for one in judgement.could_not_judge}
    return Why.COULD_NOT_JUDGE if unknown.issuperset(judgement.by) else Why.HELD


def _context(
    tx: Transaction, site: SiteRules, incoming: Incoming, text: seen.Text, found: Surroundings
) -> seen.Context:
    author = incoming.author
    return seen.Context(
        now=tx.now,
        author=seen.Author(
            approved=author.approved if author else 0,
            rejected=author.rejected if author else 0,
            waiting=found.waiting,
            first_seen=author.first_seen if author else None,
            trusted=author.trusted if author else False,
            roles=incoming.roles,
            login=incoming.login,
            decided_90_days=found.decided,
            refused_90_days=found.refused,
        ),
        post=seen.Post(incoming.post, found.post_since, found.post_comments),
        is_edit=incoming.is_edit,
        is_reply=incoming.is_reply,
        waiting=found.queue,
        new_hosts=arrivals.new_hosts(tx, site.key, text.page_hosts) if found.hosts_are_known else None,
        arrived=found.arrived,
    )


def _log_failures(facts: Facts) -> None:
    for failure in facts.failures:
        log.warning("check.failed", check=failure.check, reason=failure.text, exc_info=failure.error)
