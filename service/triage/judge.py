"""From facts and a policy to a judgement. `moderation` asks here for every new text, inside the transaction.

1. Every rule is asked that may speak; one that needs what could not be found out is unknown, and holds.
2. The strictest of what was said is the outcome; where nobody spoke, the policy's `otherwise`.
3. Braked rules hold, edits of approved texts are held at most, and some of what rules would do alone is held to measure
   them (the audit sample).
"""

from collections.abc import Callable, Set

from service.model import Milliseconds
from service.triage.condition import Condition
from service.triage.facts import Facts, Verdict
from service.triage.judgement import CouldNotJudge, Judgement, Said
from service.triage.logic import FALSE, TRUE, UNKNOWN, Truth, any_of
from service.triage.outcome import Outcome, strictest, strictness
from service.triage.policy import Policy
from service.triage.rule import Mode, Moment, Rule

_CAPPED = {Outcome.REJECT, Outcome.SPAM}
_SAMPLED = {Outcome.PUBLISH, Outcome.SPAM}


def _not_sampled() -> float:
    """As if the audit took no text."""
    return 1.0


def judge(
    facts: Facts,
    policy: Policy,
    *,
    at: Milliseconds,
    text_version: int = 1,
    lockdown: bool = False,
    edits_approved: bool = False,
    braked: Set[str] = frozenset(),
    sample: Callable[[], float] = _not_sampled,
) -> Judgement:
    """Judge one text, that came `at` this moment, by what the checks found.

    `lockdown`: whether one lasts. `edits_approved`: readers see an approved text of this comment, and no policy takes
    down what a human approved. `braked`: the ids of rules that may only hold. `sample` gives a number from 0 to below 1
    that the caller makes of the comment's id with a key (no chance); it is asked where the audit may take the text.
    """
    if not policy.rules and not lockdown:
        supports: tuple[tuple[str, ...], ...] = ((),) * len(facts.verdicts)
        return Judgement(policy.otherwise, (), policy.version, at, text_version, (), (), (), facts, supports)
    moment = Moment(at, policy.zone)
    people = _people(facts, policy)
    spoke: list[tuple[Rule, Said]] = []
    observed: list[Said] = []
    could_not_judge: list[CouldNotJudge] = []
    for rule in (policy.asked_in_lockdown if lockdown else policy.asked).that_may_speak(facts):
        truth = rule.truth(facts, moment, people)
        if truth is FALSE:
            continue
        said = _said(rule, truth, policy, is_braked=rule.id in braked)
        if rule.mode is Mode.OBSERVE:
            observed.append(said)
            continue
        spoke.append((rule, said))
        if truth is UNKNOWN:
            could_not_judge += _unknown(rule, facts, policy)
    outcome, by = _outcome(policy, [said for _, said in spoke], edits_approved=edits_approved)
    audited = (
        outcome in _SAMPLED
        and bool(by)
        and not any(rule.looks_at_people_only for rule, _ in spoke if rule.id in by)
        and sample() < policy.audit_share
    )
    return Judgement(
        outcome=Outcome.HOLD if audited else outcome,
        by=by,
        policy_version=policy.version,
        at=at,
        text_version=text_version,
        rules=_in_order([said for _, said in spoke]),
        observed=_in_order(observed),
        could_not_judge=tuple(sorted(could_not_judge, key=lambda one: (one.rule, one.check))),
        facts=facts,
        supports=tuple(_rules_on(verdict, [rule for rule, _ in spoke], facts, policy) for verdict in facts.verdicts),
        audited=audited,
    )


def _people(facts: Facts, policy: Policy) -> Callable[[tuple[str, ...]], Truth]:
    """Whether the author is one of some people, found out once for all rules."""
    known: dict[tuple[str, ...], Truth] = {}

    def meant(names: tuple[str, ...]) -> Truth:
        truth = known.get(names)
        if truth is None:
            truth = any_of(condition.truth(facts) for name in names for condition in policy.people[name])
            known[names] = truth
        return truth

    return meant


def _said(rule: Rule, truth: Truth, policy: Policy, *, is_braked: bool) -> Said:
    """What a rule says that is true, or unknown."""
    said = policy.says[rule.id]
    if said.said is Outcome.HOLD or (truth is TRUE and not is_braked):
        return said
    return said._replace(said=Outcome.HOLD, braked=is_braked)


def _outcome(policy: Policy, said: list[Said], *, edits_approved: bool) -> tuple[Outcome, tuple[str, ...]]:
    """The strictest of what was said, and who said it. For edits of approved texts `reject` and `spam` are `hold`."""
    counted = {one.rule: Outcome.HOLD if edits_approved and one.said in _CAPPED else one.said for one in said}
    if not counted:
        return policy.otherwise, ()
    outcome = strictest(counted.values())
    return outcome, tuple(sorted(rule for rule, counts in counted.items() if counts is outcome))


def _in_order(said: list[Said]) -> tuple[Said, ...]:
    """The strictest first, so that nothing depends on the order of the document."""
    return tuple(sorted(said, key=lambda one: (-strictness(one.said), one.rule)))


def _unknown(rule: Rule, facts: Facts, policy: Policy) -> list[CouldNotJudge]:
    """The checks that could not say what a rule asks."""
    asked = set(rule.facts)
    for name in (*rule.only_for, *rule.not_for):
        asked.update(test.fact for condition in policy.people[name] for test in condition.tests)
    unable = [failure for failure in facts.failures if not failure.facts.isdisjoint(asked)]
    return [CouldNotJudge(rule.id, failure.check, failure.text) for failure in unable]


def _rules_on(verdict: Verdict, rules: list[Rule], facts: Facts, policy: Policy) -> tuple[str, ...]:
    """The rules that spoke because of what a verdict explains: a test of theirs holds on that part of a fact alone."""
    explained = {fact.name: value for fact, value in (verdict.explains or {}).items()}

    def rests_on_it(condition: Condition) -> bool:
        for test in condition.tests:
            if test.fact in explained and test.holds(explained[test.fact]):
                return condition.truth(facts) is TRUE
        return False

    return tuple(
        sorted(
            rule.id
            for rule in rules
            if (not rule.facts.isdisjoint(explained) and any(map(rests_on_it, rule.when)))
            or any(rests_on_it(condition) for name in rule.only_for for condition in policy.people[name])
        )
    )
