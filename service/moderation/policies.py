"""The policy of each site: what people there decided about incoming comments. Versions are only ever added.

A site that never had one follows its configuration (`premoderate`): that is version 0. Compiled policies are remembered
by their digest, so a process compiles each version once.
"""

import json
from collections.abc import Mapping
from typing import Any

import structlog

from service.model import Actor, SiteKey, SiteRules
from service.store import earlier, events, policies
from service.store.database import Transaction
from service.store.policies import KeptPolicy
from service.triage import document
from service.triage.document.known import Known
from service.triage.outcome import Outcome
from service.triage.policy import Policy, of_premoderate

log = structlog.get_logger()

MOST_REMEMBERED = 256
_compiled: dict[str, Policy] = {}
_with_rules: set[SiteKey] = set()


def put(
    tx: Transaction, site: SiteKey, wanted: Mapping[str, Any], actor: Actor, *, expected: int, note: str | None = None
) -> KeptPolicy | None:
    """Let a document hold for every text that comes from now on. An equal one makes no new version.

    `wanted` has been examined (`triage.document.examine`), outside of the transaction. `expected` is the version upon
    which it was written: None comes back, and nothing is changed, where another one holds by now.
    """
    before = policies.newest(tx, site)
    if (before.version if before else 0) != expected:
        return None
    text = json.dumps(wanted, ensure_ascii=False, separators=(",", ":"))
    if before is not None and before.document == text:
        return before
    policies.add(tx, site, expected + 1, text, actor, note)
    events.append(tx, site, "policy.changed", actor, about={"policy_version": expected + 1})
    if before is None or not json.loads(before.document).get("rules"):
        earlier.begin(tx, site)
    return policies.newest(tx, site)


def current(tx: Transaction, site: SiteRules, digest: str | None) -> Policy:
    """The policy that holds, whose document has this digest (None: the site has none of its own)."""
    if digest is None:
        _with_rules.discard(site.key)
        return of_premoderate(site.premoderate)
    policy = _compiled.get(digest)
    if policy is None:
        kept = policies.newest(tx, site.key)
        if kept is None:
            raise LookupError(site.key)  # its digest was read in this very transaction
        policy = _compile(kept)
        if len(_compiled) >= MOST_REMEMBERED:
            _compiled.clear()
        _compiled[digest] = policy
    if policy.rules:
        _with_rules.add(site.key)
    else:
        _with_rules.discard(site.key)
    return policy


def _compile(kept: KeptPolicy) -> Policy:
    """What the document says. Where this release cannot read it (it names a fact that is no more), everything waits."""
    try:
        return document.read(json.loads(kept.document), Known(), version=kept.version)
    except document.DocumentError as error:
        log.error("policy.unreadable", version=kept.version, reason=str(error)[:500])
        return Policy(kept.version, Outcome.HOLD)


def rules_with_list(tx: Transaction, site: SiteKey, name: str) -> list[str]:
    """The rules of the policy that holds which name this list."""
    kept = policies.newest(tx, site)
    if kept is None:
        return []
    policy = _compile(kept)
    return [rule.id for rule in (*policy.rules, *policy.lockdown) if name in rule.lists]


def may_have_rules(site: SiteKey) -> bool:
    """Whether rules judged the site's last text in this process: then checks better look before the transaction.

    It decides where they look, and nothing else.
    """
    return site in _with_rules
