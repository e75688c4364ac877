"""Tries a policy on one comment or text: what it would say. Nothing is saved.

What is asked for is read in one look (`about`); judging can take milliseconds, so `judge` belongs into a thread.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service import strict_json
from service.errors import UnknownComment
from service.model import Comment, CommentId, Milliseconds, SiteRules
from service.moderation import brakes, lists, policies
from service.store import comments, judgements
from service.store.database import Transaction
from service.text import render
from service.triage import look, seen
from service.triage.check import ContextCheck
from service.triage.document import cases, read
from service.triage.document.known import Known
from service.triage.document.place import Mistake, Place
from service.triage.facts import Facts, Failure, Kind, Value
from service.triage.judge import judge as judged
from service.triage.judgement import Judgement
from service.triage.lists.compiled import Lists
from service.triage.policy import Policy


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to try: a document (None: the policy that holds) on a comment or a text, with other values of some facts."""

    document: Mapping[str, Any] | None = None
    comment_id: CommentId | None = None
    text: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    at: Milliseconds | None = None
    lockdown: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """What the store knows of it: policy and lists that hold, rules that are braked, the comment, its facts of when its
    newest text came."""

    policy: Policy
    known: Known
    comment: Comment | None
    facts: Mapping[str, Any]
    could_not_judge: Sequence[Mapping[str, str]]
    lists: Lists
    braked: frozenset[str]
    now: Milliseconds


def fact_in(written: str) -> tuple[str, Any]:
    """A fact as people write it: `author.approved=3`, the value as JSON. Raises ValueError."""
    name, _, value = written.partition("=")
    return name.strip(), strict_json.parse_clean(value.encode())


def about(tx: Transaction, site: SiteRules, wanted: Wanted) -> About:
    """Look up what a trial needs. Raises UnknownComment."""
    policy = policies.holding(tx, site)
    known, comment = policies.known(tx, site.key), None
    facts: Mapping[str, Any] = {}
    could_not_judge: Sequence[Mapping[str, str]] = ()
    if wanted.comment_id is not None:
        comment = comments.get(tx, site.key, wanted.comment_id)
        if comment is None:
            raise UnknownComment
        kept = judgements.of_text(tx, comment.id, comment.newest_text.version)
        facts, could_not_judge = (kept["facts"], kept["could_not_judge"]) if kept else ({}, ())
    braked = brakes.of_site(tx, site.key)
    return About(policy, known, comment, facts, could_not_judge, lists.holding(tx, site.key), braked, tx.now)


def judge(site: SiteRules, wanted: Wanted, found: About) -> Judgement | list[Mistake]:
    """What would come out, or what is wrong with `given` (its pointers start there). Raises DocumentError."""
    policy = found.policy
    if wanted.document is not None:
        policy = read(wanted.document, found.known, version=policy.version, time_zone=site.time_zone)
    place = Place(dict(wanted.given), "/given")
    given = cases.given(place, found.known)
    if place.mistakes:
        return place.mistakes
    comment = found.comment
    at = wanted.at if wanted.at is not None else (comment.newest_text.submitted_at if comment else found.now)
    version = comment.newest_text.version if comment else 1
    return judged(
        _facts(wanted, found).given(given),
        policy,
        at=at,
        text_version=version,
        lockdown=wanted.lockdown,
        edits_approved=comment is not None and comment.pending_edit is not None,
        braked=found.braked,
    )


def _facts(wanted: Wanted, found: About) -> Facts:
    """As they were when the comment came; what the text alone says is found out anew."""
    values = {
        name: _value(name, value, found.known) for name, value in found.facts.items() if name in found.known.facts
    }
    if found.comment is not None:
        text = found.comment.newest_text
        body, html = text.body, text.html
    elif wanted.text is not None:
        body, html = wanted.text, render.to_html(wanted.text)
    else:
        return Facts(values)
    of_text = look.at_text(seen.text_of(body, html, found.lists), checks=found.known.checks)
    return Facts(values, failures=tuple(_failures(found)) if values else ()).joined(of_text)


def _failures(found: About) -> Iterator[Failure]:
    """The checks of more than the text that could not run when the comment came, so nothing is kept of them."""
    why = {one["check"]: one["text"] for one in found.could_not_judge}
    for check in found.known.checks:
        missing = frozenset(fact.name for fact in check.facts) - found.facts.keys()
        if missing and isinstance(check, ContextCheck):
            text = why.get(check.name, f'The check "{check.name}" could not run when the comment came.')
            yield Failure(check.name, missing, text)


def _value(name: str, value: Any, known: Known) -> Value | None:
    is_names = known.facts[name].kind is Kind.NAMES and value is not None
    return frozenset(value) if is_names else value
