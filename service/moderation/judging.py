"""Judges a text by its site's policy. Called by the verbs that take texts, inside their transactions.

What can be said of the text alone is found out before the transaction (`look`), beside rendering. Inside it, one query
brings what the other checks want to know, and one pure function makes the judgement. Where a site has no rules no check
runs: its policy says what becomes of every text.
"""

import hashlib
from collections.abc import Set
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import structlog

from service.errors import RefusedByPolicy, TooManyWaiting
from service.model import Author, AuthorKey, Comment, CommentId, PostKey, Role, SiteRules, Status, Why
from service.moderation import brakes, lists, policies
from service.moderation.record import NO_REASONS, NO_RULES, ByRules, Reasons
from service.store import arrivals, judgements, secrets, standing
from service.store import lists as stored_lists
from service.store.database import Transaction
from service.store.standing import Surroundings
from service.triage import look as checks
from service.triage import seen
from service.triage.checks import lists as lists_check
from service.triage.facts import Facts, Failure, spans_of
from service.triage.judge import judge as judged
from service.triage.judgement import Judgement
from service.triage.lists.compiled import NO_LISTS, Lists
from service.triage.outcome import Outcome
from service.triage.policy import Policy

log = structlog.get_logger()
_NOTHING_FOUND = Facts()
_STATUS = {
    Outcome.PUBLISH: Status.APPROVED,
    Outcome.HOLD: Status.PENDING,
    Outcome.REJECT: Status.REJECTED,
    Outcome.SPAM: Status.SPAM,
}
_WAITS = frozenset({Outcome.HOLD, Outcome.SPAM})
_SHOWN_TO_AUTHORS = frozenset({"links", "text"})


class Refused(RefusedByPolicy):
    """The problem, and the judgement that nobody outside is shown."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(judgement.reason_text, members=_told(judgement))
        self.judgement = judgement


@dataclass(frozen=True, slots=True)
class Looked:
    """A text as checks see it, what those found that need nothing else, and the key by which equal texts are found."""

    text: seen.Text
    facts: Facts
    key: str


class Incoming(NamedTuple):
    """Where a text is to stand and who sends it: their record before it, their roles and login as they are now."""

    comment_id: CommentId
    post: PostKey
    author_key: AuthorKey
    author: Author | None
    roles: frozenset[Role]
    login: str
    is_reply: bool
    is_edit: bool = False
    edits_approved: bool = False
    text_version: int = 1


def look(body: str, html: str, lists_of_site: Lists = NO_LISTS) -> Looked:
    """Let the checks of the text alone look, before the transaction. Takes up to some milliseconds."""
    text = seen.text_of(body, html, lists_of_site)
    facts = checks.at_text(text)
    _log_failures(facts)
    return Looked(text, facts, arrivals.key_of(body))


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
    """What the policy with this digest says of a text, by everything that is known now.

    Raises Refused, TooManyWaiting for a new one, and NotCompiled where the site's lists must be compiled first.
    """
    policy = policies.current(tx, site, digest)
    if not policy.rules:
        judgement = judged(_NOTHING_FOUND, policy, at=tx.now, text_version=incoming.text_version)
        _require_room(tx, site, policy, incoming, judgement)
        return judgement
    found = standing.surroundings(
        tx,
        site.key,
        incoming.post,
        incoming.author_key,
        key=_key(body, looked),
        comment_id=incoming.comment_id if incoming.is_edit else None,
    )
    lists_now = lists.ready(tx, site.key, found.lists_mark, looked.text.lists if looked else NO_LISTS)
    if looked is None or looked.text.lists is not lists_now:
        looked = look(body, html, lists_now)
    of_context = checks.at_context(looked.text, _context(tx, site, incoming, looked.text, found))
    _log_failures(of_context)
    judgement = judged(
        _without(looked.facts.joined(of_context), policy.lists - lists_now.kinds.keys()),
        policy,
        at=tx.now,
        text_version=incoming.text_version,
        edits_approved=incoming.edits_approved,
        braked=brakes.of_site(tx, site.key) if found.some_braked else frozenset(),
        sample=partial(_sample, tx, incoming),
    )
    if judgement.outcome is Outcome.REFUSE:  # what is written now would not be kept: see `count_refused`
        raise Refused(judgement)
    _require_room(tx, site, policy, incoming, judgement)
    brakes.count(tx, site.key, policy, judgement)
    return judgement


def _without(facts: Facts, missing: Set[str]) -> Facts:
    """These facts, but nothing is known of lists where a rule names one that the site has not (any more): it holds."""
    if not missing:
        return facts
    why = f"The site has no list {', '.join(sorted(missing))}."
    failure = Failure(lists_check.CHECK.name, frozenset({lists_check.MATCHED.name}), why)
    return Facts(facts.values, facts.verdicts, (*facts.failures, failure))


def count_refused(tx: Transaction, site: SiteRules, judgement: Judgement) -> None:
    """Count what a refusal said, in a transaction of its own: that of the refused text left nothing."""
    policy = policies.holding(tx, site)
    if policy.version == judgement.policy_version:
        brakes.count(tx, site.key, policy, judgement)


def keep(tx: Transaction, comment: Comment, judgement: Judgement, looked: Looked | None) -> None:
    """Keep what was said of the comment's newest text, where the site has a policy of its own; and that it came."""
    if judgement.policy_version > 0:
        judgements.add(tx, comment.id, judgement.as_json(), priority=priority_of(judgement))
    if judgement.facts.values:  # checks have looked, so the site has rules
        arrivals.add(tx, comment, tx.now, key=_key(comment.newest_text.body, looked))
        against = _against(judgement)
        for verdict, rules in zip(judgement.facts.verdicts, judgement.supports, strict=True):
            if "entry" in verdict.more:
                entry, acted = (verdict.more["list"], verdict.more["entry"]), not against.isdisjoint(rules)
                stored_lists.hit(tx, comment.site, *entry, comment.id, acted=acted)


def _key(body: str, looked: Looked | None) -> str:
    return looked.key if looked else arrivals.key_of(body)


def _against(judgement: Judgement) -> frozenset[str]:
    """The rules that decided, where they said something else than `publish` (before the audit sample was taken)."""
    deciding = [said for said in judgement.rules if said.rule in judgement.by]
    return frozenset(said.rule for said in deciding if said.said is not Outcome.PUBLISH)


def ever_held(tx: Transaction, comment: Comment, *, after: int = 0) -> bool:
    """Whether rules kept one of the comment's texts from readers, of those that are newer than version `after`."""
    found = judgements.all_of(tx, comment.id)
    return any(said["by"] and said["outcome"] != Outcome.PUBLISH for said in found if said["text_version"] > after)


def status_of(judgement: Judgement) -> Status:
    """What becomes of a comment that has this text."""
    return _STATUS[judgement.outcome]


def priority_of(judgement: Judgement) -> int:
    """What the rules that spoke add to an entry's priority; the audit sample is as if none had spoken."""
    return 0 if judgement.audited else sum(said.priority for said in judgement.rules)


def ruling(judgement: Judgement) -> ByRules:
    """What the record says of it: nothing of rules where the site has none, or for the audit sample."""
    if judgement.policy_version == 0 or judgement.audited:
        return NO_RULES
    reasons = NO_REASONS
    if judgement.outcome is Outcome.REJECT:
        reasons = Reasons(reason=judgement.reason, reason_text=judgement.reason_text)
    return ByRules(judgement.by, judgement.policy_version, reasons)


def why_held(judgement: Judgement) -> Why:
    """Why somebody must look at a new comment that is held."""
    if not judgement.by or judgement.audited:
        return Why.AWAITING_APPROVAL
    unknown = {one.rule for one in judgement.could_not_judge}
    return Why.COULD_NOT_JUDGE if unknown.issuperset(judgement.by) else Why.HELD


def _require_room(tx: Transaction, site: SiteRules, policy: Policy, incoming: Incoming, judgement: Judgement) -> None:
    """Raise TooManyWaiting where one more would wait (or seem to, to its author) than the policy allows."""
    if policy.waiting_per_author is None or incoming.is_edit or judgement.outcome not in _WAITS:
        return
    waiting = standing.count_waiting(tx, site.key, incoming.author_key)
    if waiting >= policy.waiting_per_author:
        raise TooManyWaiting(members={"waiting": waiting})


def _told(judgement: Judgement) -> dict[str, object]:
    """What the author is told of a refusal: the reason, and where links or the shape of the text are at fault.

    Never which rule, list or word it was.
    """
    spoke = zip(judgement.facts.verdicts, judgement.supports, strict=True)
    at_fault = (one for one, of in spoke if one.check in _SHOWN_TO_AUTHORS and not set(of).isdisjoint(judgement.by))
    spans = spans_of((span.start, span.end) for verdict in at_fault for span in verdict.spans)
    return {
        "reason": judgement.reason,
        "reason_text": judgement.reason_text,
        "spans": [{"start": span.start, "end": span.end} for span in spans],
    }


def _sample(tx: Transaction, incoming: Incoming) -> float:
    """A number from 0 to below 1 that nobody outside can know beforehand: which texts are in the audit sample."""
    text = f"{incoming.comment_id} {incoming.text_version}".encode()
    digest = hashlib.blake2b(text, key=secrets.get_or_make(tx, "audit"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


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
