"""What keeps a rule that acts alone from doing much harm: where it acts too often, or humans disagree, it only holds.

Every text that a policy judges is counted here (`count`), and every decision of a human on what a rule did (`learn`).
A braked rule acts again when an administrator releases it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from service.model import GATEPOST, Action, Actor, ActorKind, Comment, Decision, DecisionId, SiteKey, Status
from service.store import decisions, events, judgements, rules
from service.store.database import Transaction
from service.triage.judgement import Judgement, Said
from service.triage.outcome import Outcome
from service.triage.policy import Policy
from service.triage.rule import Rule

FEWEST_ACTS: Final = 20
"""A changed rule is not braked for its share of arrivals before it acted so often."""
CHANGED_LATELY: Final = 24 * rules.HOUR
FEWEST_OUTCOMES: Final = 40
WRONG_OF_PUBLISH: Final = 0.005
WRONG_OF_OTHERS: Final = 0.02
_AGREE: Final = {
    Outcome.PUBLISH: {Status.APPROVED},
    Outcome.REJECT: {Status.REJECTED, Status.SPAM, Status.DELETED},
    Outcome.SPAM: {Status.REJECTED, Status.SPAM, Status.DELETED},
}
"""What a human makes of a comment when a rule was right to say this."""


def of_site(tx: Transaction, site: SiteKey) -> frozenset[str]:
    """The ids of rules that only hold, whatever a policy says of them: a rule that is changed stays braked."""
    return frozenset(one.rule for one in rules.braked(tx, site))


def count(tx: Transaction, site: SiteKey, policy: Policy, judgement: Judgement) -> None:
    """One more text came, and this is what the rules said. Who acted too often by now is braked."""
    if policy.acts_alone:
        rules.count(tx, site, rules.ALL)
    acted = [said.rule for said in _acted(judgement)]
    for said in (*judgement.rules, *judgement.observed):
        rules.count(tx, site, said.rule, decided=int(said.rule in judgement.by), acted=int(said.rule in acted))
    for rule in acted:
        _brake_if_often(tx, site, policy.rule_of[rule])


def learn(tx: Transaction, after: Comment) -> None:
    """A human has decided about a comment, or taken back what a rule did with it: the rule was right, or wrong."""
    for rule, said in _said_alone(tx, after):
        rules.learn(tx, after.site, rule, after.id, said=said, agreed=after.status in _AGREE[said])
        _brake_if_wrong(tx, after.site, rule, said)


def unlearn(tx: Transaction, after: Comment) -> None:
    """The human's decision was taken back: what one decided before about the same text counts again, else nothing."""
    if _stands(decisions.since_text(tx, after.id, after.newest_text.version)):
        learn(tx, after)
        return
    for rule, _ in _said_alone(tx, after):
        rules.unlearn(tx, after.site, rule, after.id)


def release(tx: Transaction, site: SiteKey, rule: str, actor: Actor) -> None:
    """Let a rule act again; its counts start anew. One that is not braked stays as it is."""
    if any(one.rule == rule for one in rules.braked(tx, site)):
        rules.release(tx, site, rule)
        events.append(tx, site, "rule.released", actor, about={"rule": rule})


def forget_old(tx: Transaction) -> None:
    """Drop counts that are too old to say anything."""
    rules.forget_old_hours(tx)


def begin_anew(tx: Transaction, site: SiteKey, before: Policy | None, after: Policy) -> None:
    """A policy was changed: rules that are others now, or new, are watched from this moment on."""
    for rule in after.rules:
        if rule.acts_alone and (before is None or _meant(rule, after) != _meant(before.rule_of.get(rule.id), before)):
            rules.begin(tx, site, rule.id)


def list_changed(tx: Transaction, site: SiteKey, policy: Policy, name: str) -> None:
    """A list of the site has other entries: rules that name it are watched from this moment on.

    One that has acted since the last change, but not often enough to be measured, goes on being counted: else a list
    that is changed every hour would let its rule do anything.
    """
    for rule in policy.rules:
        if not rule.acts_alone or not rule.names_list(name):
            continue
        found = rules.numbers(tx, site, rule.id)
        if 0 < found.acted_since < FEWEST_ACTS and tx.now - found.changed_at <= CHANGED_LATELY:
            rules.prolong(tx, site, rule.id)
        else:
            rules.begin_with_list(tx, site, rule.id)


def _acted(judgement: Judgement) -> list[Said]:
    """What rules did alone: not what was held in the end, whatever they said."""
    if judgement.outcome is Outcome.HOLD:
        return []
    return [said for said in judgement.rules if said.rule in judgement.by]


def _said_alone(tx: Transaction, comment: Comment) -> Iterator[tuple[str, Outcome]]:
    """What rules said alone of the comment's newest text, or would have but for the audit sample. A rule that has been
    changed or released since is another one: that is not for what this one did to answer."""
    kept = judgements.of_text(tx, comment.id, comment.newest_text.version)
    if kept is None:
        return
    for rule in kept["rules"]:
        said = Outcome(rule["said"])
        is_alone = rule["id"] in kept["by"] and said in _AGREE and (kept["audited"] or kept["outcome"] == said)
        if is_alone and judgements.moment_of(kept) >= rules.learns_since(tx, comment.site, rule["id"]):
            yield rule["id"], said


def _stands(newest_first: Sequence[Decision]) -> bool:
    """Whether what a human decided, or that one took back what rules did, is not taken back itself."""
    by_rules = {decision.id for decision in newest_first if decision.actor.kind is ActorKind.POLICY}
    taken_back: set[DecisionId | None] = set()
    for decision in newest_first:
        if decision.id in taken_back or decision.actor.kind is not ActorKind.MODERATOR:
            continue
        taken_back.add(decision.undoes)
        if decision.action is Action.UNDO:
            if decision.undoes in by_rules:
                return True
        elif decision.action is not Action.DISCARD_EDIT:
            return True
    return False


def _meant(rule: Rule | None, policy: Policy) -> object:
    """What a rule does, without how it is called and what it tells."""
    if rule is None:
        return None
    people = [policy.people[name] for name in (*rule.only_for, *rule.not_for)]
    return replace(rule, title="", priority=0, reason=None, brake=None), people


def _brake_if_often(tx: Transaction, site: SiteKey, rule: Rule) -> None:
    if rule.brake is None:
        return
    found = rules.numbers(tx, site, rule.id)
    if found.is_braked:
        return
    if found.acted_today >= rule.brake.per_day:
        _brake(tx, site, rule.id, why="per-day", acted=found.acted_today, of_all=found.of_today)
    elif (
        tx.now - found.changed_at <= CHANGED_LATELY
        and found.acted_since >= FEWEST_ACTS
        and found.acted_since > rule.brake.share * found.of_since
    ):
        _brake(tx, site, rule.id, why="share", acted=found.acted_since, of_all=found.of_since)


def _brake_if_wrong(tx: Transaction, site: SiteKey, rule: str, said: Outcome) -> None:
    """Looks after each outcome: the wrong ones may all have come before there were enough."""
    number, wrong = rules.outcomes(tx, site, rule, said)
    allowed = WRONG_OF_PUBLISH if said is Outcome.PUBLISH else WRONG_OF_OTHERS
    if number >= FEWEST_OUTCOMES and wrong > allowed * number and not rules.numbers(tx, site, rule).is_braked:
        _brake(tx, site, rule, why="wrong", acted=wrong, of_all=number)


def _brake(tx: Transaction, site: SiteKey, rule: str, *, why: str, acted: int, of_all: int) -> None:
    rules.brake(tx, site, rule, why=why, acted=acted, of_all=of_all)
    events.append(tx, site, "rule.braked", GATEPOST, about={"rule": rule, "why": why})
