"""What tests of triage say: a policy from a document, facts from values, a judgement of both."""

from collections.abc import Mapping
from typing import Any

from service.model import Actor, ActorKind, Milliseconds, SiteKey, SiteRules
from service.moderation import policies
from service.store.database import Database
from service.store.policies import KeptPolicy
from service.triage import document
from service.triage.document.known import Known
from service.triage.facts import Facts, Failure, Value
from service.triage.judge import judge
from service.triage.judgement import Judgement
from service.triage.outcome import Outcome
from service.triage.policy import Policy

LISTS = frozenset({"slurs", "rivals"})
KNOWN = Known(LISTS)
NOON = 1_767_787_200_000
"""A Wednesday: 2026-01-07T12:00:00Z."""


def policy_of(written: Mapping[str, Any], known: Known = KNOWN) -> Policy:
    """Examined as for saving, so its own tests have passed."""
    return document.examine(dict(written), known, version=7, now=NOON).policy


def policy_with(*rules: Mapping[str, Any], **members: Any) -> Policy:
    """A policy that publishes what none of these rules speaks about. A rule needs only what it is tried for."""
    return policy_of({"format": 1, "otherwise": "publish", "rules": [completed(rule) for rule in rules], **members})


def of_rules(*rules: Mapping[str, Any], otherwise: str = "publish") -> dict[str, Any]:
    """A document with these rules, which hold unless they say otherwise."""
    return {"format": 1, "otherwise": otherwise, "rules": [{"then": "hold", **rule} for rule in rules]}


async def put(database: Database, site: SiteKey, wanted: Mapping[str, Any], *, expected: int = 0) -> KeptPolicy | None:
    """Let a document hold for a site, as an administrator does."""
    policy = document.examine(dict(wanted), Known(), version=expected + 1, now=NOON).policy
    admin = Actor(ActorKind.MODERATOR, "admin", "Admin")
    return await database.write(policies.put, SiteRules(site), wanted, policy, admin, expected=expected)


def completed(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule with the members that every rule needs."""
    return {"id": "a", "title": "A rule", "when": [{}], "then": "hold", **rule}


def facts(values: Mapping[str, Value | None] | None = None, *, unknown: tuple[str, ...] = ()) -> Facts:
    """These values, and these facts of a check that could not run."""
    failures = (Failure("broken", frozenset(unknown), "It broke."),) if unknown else ()
    return Facts(values or {}, (), failures)


def outcome(policy: Policy, found: Facts, *, at: Milliseconds = NOON, lockdown: bool = False) -> Outcome:
    """What rules and `otherwise` say, before brakes and the audit sample."""
    return judge(found, policy, at=at, lockdown=lockdown).outcome


def judged(policy: Policy, found: Facts, **given: Any) -> Judgement:
    """The whole judgement, on a Wednesday at noon."""
    return judge(found, policy, **{"at": NOON, **given})
