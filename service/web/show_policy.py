"""From policies and judgements to replies, as `show` does for the other nouns. Called by handlers."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from service.moderation.policies import RuleState, Shown
from service.reading.show import timestamp
from service.store.policies import KeptPolicy
from service.store.rules import Braked
from service.triage.document.warnings import Warned
from service.web import show
from service.web.outgoing_policy import (
    BrakedView,
    PolicyReply,
    PolicyView,
    RuleStateView,
    VersionView,
    WarnedView,
)


def shown(found: Shown) -> PolicyReply:
    """The policy that holds."""
    return {
        "policy": version(found.kept, found.document),
        "state": {
            "braked": [_braked(one) for one in found.braked],
            "lockdown": None,
            "lists": [{"name": one.name, "version": one.version, "entries": one.entries} for one in found.lists],
            "rules": [_state(one) for one in found.rules],
        },
    }


def version(kept: KeptPolicy | None, document: Mapping[str, Any]) -> PolicyView:
    """One version, or (None) what the configuration says."""
    return {
        "version": kept.version if kept else 0,
        "document": dict(document),
        "made_by": show.actor(kept.made_by) if kept else None,
        "made_at": timestamp(kept.made_at) if kept else None,
        "note": kept.note if kept else None,
        "digest": kept.digest if kept else None,
    }


def version_in_list(kept: KeptPolicy) -> VersionView:
    """One version in the list of all."""
    return {
        "version": kept.version,
        "made_by": show.actor(kept.made_by),
        "made_at": timestamp(kept.made_at),
        "note": kept.note,
        "digest": kept.digest,
        "rules": len(json.loads(kept.document).get("rules", [])),
    }


def warnings(found: Iterable[Warned]) -> list[WarnedView]:
    """What the author of a document may not have meant."""
    return [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in found]


def _braked(found: Braked) -> BrakedView:
    return {
        "rule": found.rule,
        "since": timestamp(found.since),
        "why": found.why,  # type: ignore[typeddict-item]  # the store holds no others
        "acted": found.acted,
        "of": found.of_all,
    }


def _state(found: RuleState) -> RuleStateView:
    return {
        "id": found.rule.id,
        "mode": found.rule.mode.value,
        "spoke_24h": found.tally.spoke,
        "decided_24h": found.tally.decided,
        "humans": {"agreed": found.tally.agreed, "overturned": found.tally.overturned},
    }
