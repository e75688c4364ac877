"""The policy of each site: what people there decided about incoming comments. Versions are only ever added.

A site that never had one follows its configuration (`premoderate`): that is version 0. Compiled policies are remembered
by their digest, so a process compiles each version once.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from service.errors import InvalidRequest
from service.model import Actor, SiteKey, SiteRules
from service.moderation import brakes
from service.store import earlier, events, judgements, lists, policies, rules
from service.store.database import Transaction
from service.store.lists import KeptList
from service.store.policies import KeptPolicy
from service.store.rules import Braked, Tally
from service.triage import document
from service.triage.document.known import Known
from service.triage.document.warnings import Experience
from service.triage.outcome import Outcome
from service.triage.policy import Policy, of_premoderate
from service.triage.rule import Rule

log = structlog.get_logger()

MOST_REMEMBERED = 256
MOST_LOOKED_AT = 1_000
ENOUGH_LOOKED_AT = 100
"""Of fewer texts nobody is told how often a fact was *nothing*."""
_compiled: dict[tuple[str, str], Policy] = {}
_with_rules: set[SiteKey] = set()


@dataclass(frozen=True, slots=True)
class RuleState:
    """A rule of the policy that holds, and what it did in the last day."""

    rule: Rule
    tally: Tally


@dataclass(frozen=True, slots=True)
class Shown:
    """The policy of a site as it stands: its version, how its rules fare, and the lists that they may name.

    `kept` is None for version 0.
    """

    kept: KeptPolicy | None
    document: Mapping[str, Any]
    policy: Policy
    braked: Sequence[Braked]
    rules: Sequence[RuleState]
    lists: Sequence[KeptList]

    @property
    def version(self) -> int:
        """0: what the configuration says."""
        return self.kept.version if self.kept else 0


@dataclass(frozen=True, slots=True)
class Named:
    """The rules of a site's policy, and the site's lists: each name with its title."""

    rules: Mapping[str, str]
    lists: Mapping[str, str]


def known(tx: Transaction, site: SiteKey) -> Known:
    """What the names in a document of this site can mean."""
    return Known(frozenset(kept.name for kept in lists.of_site(tx, site)))


def experience(tx: Transaction, site: SiteKey) -> Experience:
    """What the store knows of the names in a document of this site. It reads a thousand judgements."""
    asked: Counter[str] = Counter()
    nothing: Counter[str] = Counter()
    for said in judgements.of_arrivals(tx, site, limit=MOST_LOOKED_AT):
        asked.update(said["facts"].keys())
        nothing.update(fact for fact, value in said["facts"].items() if value is None)
    shares = {fact: nothing[fact] / asked[fact] for fact in nothing if asked[fact] >= ENOUGH_LOOKED_AT}
    entries_of = {kept.name: kept.entries for kept in lists.of_site(tx, site)}
    empty = frozenset(name for name, entries in entries_of.items() if not entries)
    return Experience(frozenset(entries_of), empty, shares)


def shown(tx: Transaction, site: SiteRules) -> Shown:
    """The policy that holds, with the state of its rules."""
    kept = policies.newest(tx, site.key)
    policy = current(tx, site, kept.digest if kept else None)
    tallies = rules.tallies(tx, site.key, policy.rule_of)
    braked = [one for one in rules.braked(tx, site.key) if one.rule in policy.rule_of]
    states = [RuleState(rule, tallies[rule.id]) for rule in policy.rules]
    document_ = json.loads(kept.document) if kept else document_of_version_0(site)
    return Shown(kept, document_, policy, braked, states, lists.of_site(tx, site.key))


def document_of_version_0(site: SiteRules) -> Mapping[str, Any]:
    """What a site's policy is until somebody puts one."""
    return {"format": 1, "otherwise": "hold" if site.premoderate else "publish", "rules": []}


def put(
    tx: Transaction,
    site: SiteRules,
    wanted: Mapping[str, Any],
    policy: Policy,
    actor: Actor,
    *,
    expected: int,
    note: str | None = None,
) -> KeptPolicy | None:
    """Let a document hold for every text that comes from now on. An equal one makes no new version.

    `policy` is what was made of it (`triage.document.examine`), outside of the transaction. `expected` is the version
    upon which it was written: None comes back, and nothing is changed, where another one holds by now. Raises
    InvalidRequest where a list that it names is gone.
    """
    before = policies.newest(tx, site.key)
    if (before.version if before else 0) != expected:
        return None
    if before is not None and json.loads(before.document) == wanted:
        return before
    missing = policy.lists - {kept.name for kept in lists.of_site(tx, site.key)}
    if missing:  # somebody has deleted it since the document was read
        names = ", ".join(sorted(missing))
        raise InvalidRequest([("/document/rules", f"a rule names a list that the site has not: {names}")], place="body")
    replaced = current(tx, site, before.digest) if before else None
    text = json.dumps(wanted, ensure_ascii=False, separators=(",", ":"))
    policies.add(tx, site.key, expected + 1, text, actor, note)
    if policy.version == expected + 1:
        _remember(policies.digest_of(policy.version, text), site, policy)
    brakes.begin_anew(tx, site.key, replaced, policy)
    events.append(tx, site.key, "policy.changed", actor, about={"policy_version": expected + 1})
    if replaced is None or not replaced.rules:
        earlier.begin(tx, site.key)
    return policies.newest(tx, site.key)


def current(tx: Transaction, site: SiteRules, digest: str | None) -> Policy:
    """The policy that holds, whose document has this digest (None: the site has none of its own)."""
    if digest is None:
        _with_rules.discard(site.key)
        return of_premoderate(site.premoderate)
    policy = _compiled.get((digest, site.time_zone))
    if policy is None:
        kept = policies.newest(tx, site.key)
        if kept is None:
            raise LookupError(site.key)  # its digest was read in this very transaction
        policy = _compile(kept, site.time_zone)
        _remember(digest, site, policy)
    if policy.rules:
        _with_rules.add(site.key)
    else:
        _with_rules.discard(site.key)
    return policy


def _remember(digest: str, site: SiteRules, policy: Policy) -> None:
    if len(_compiled) >= MOST_REMEMBERED:
        _compiled.clear()
    _compiled[digest, site.time_zone] = policy


def holding(tx: Transaction, site: SiteRules) -> Policy:
    """The policy that holds."""
    return current(tx, site, policies.newest_digest(tx, site.key))


def named(tx: Transaction, site: SiteRules) -> Named | None:
    """By what the queue can be narrowed; None where the site has no rules."""
    policy = holding(tx, site)
    if not policy.rules:
        return None
    titles = {kept.name: kept.title for kept in lists.of_site(tx, site.key)}
    return Named({name: rule.title for name, rule in policy.rule_of.items()}, titles)


def _compile(kept: KeptPolicy, time_zone: str) -> Policy:
    """What the document says. Where this release cannot read it (it names a fact that is no more), everything waits."""
    try:
        return document.read(json.loads(kept.document), Known(), version=kept.version, time_zone=time_zone)
    except document.DocumentError as error:
        log.error("policy.unreadable", version=kept.version, reason=str(error)[:500])
        return Policy(kept.version, Outcome.HOLD)


def rules_with_list(tx: Transaction, site: SiteRules, name: str) -> list[Rule]:
    """The rules of the policy that holds which name this list."""
    policy = holding(tx, site)
    return [rule for rule in (*policy.rules, *policy.lockdown) if rule.names_list(name)]


def has_rules(tx: Transaction, site: SiteRules) -> bool:
    """Whether the policy that holds has rules."""
    return bool(holding(tx, site).rules)


def may_have_rules(site: SiteKey) -> bool:
    """Whether the site had rules when this process last looked: where checks look goes by it (better before the
    transaction)."""
    return site in _with_rules
