"""What `gatepost check` says of a site's policy: whether it can be read, and where it contradicts the configuration."""

from typing import Any

import pytest

from service.checkup import policies
from service.checkup.finding import Finding, Outcome
from service.model import Actor, ActorKind, SiteKey
from service.moderation import policies as kept
from service.settings import parse
from service.store import rules
from service.store.database import Database
from service.triage.outcome import Outcome as Said
from service.triage.policy import Policy
from tests.harness import configuration
from tests.triage.policies import of_rules, put

BLOG = SiteKey("blog")
RULE = {"id": "links", "title": "Links", "when": [{"links.count": {"at_least": 1}}]}
REJECTS = {
    **of_rules({**RULE, "then": "reject", "reason": "no"}, otherwise="hold"),
    "reasons": [{"code": "no", "text": "No."}],
}


async def examined(database: Database, **site: Any) -> list[Finding]:
    found = parse(configuration("sqlite:///gatepost.db", **site)).sites[BLOG]
    return await policies.examine(found, database)


async def test_a_site_without_a_policy_has_nothing_to_say(database: Database) -> None:
    assert await examined(database) == []


@pytest.mark.parametrize(
    ("otherwise", "premoderate", "warned"),
    [("hold", True, False), ("publish", False, False), ("publish", True, True), ("hold", False, True)],
)
async def test_a_policy_that_says_otherwise_than_the_configuration_is_named(
    database: Database, otherwise: str, premoderate: bool, warned: bool
) -> None:
    await put(database, BLOG, of_rules(RULE, otherwise=otherwise))
    found = await examined(database, premoderate=premoderate)
    assert found[0].text == "version 1 holds, with 1 rules"
    assert [one.outcome for one in found[1:]] == [Outcome.WARN] * warned
    assert all("premoderate" in one.text and "premoderate" in one.fix for one in found[1:])


async def test_a_braked_rule_is_named(database: Database) -> None:
    await put(database, BLOG, REJECTS)
    await database.write(rules.brake, BLOG, "links", why="per-day", acted=200, of_all=900)
    assert (await examined(database))[1].text == "the rule links only holds (per-day: 200 of 900)"


async def test_a_policy_that_cannot_be_read_is_named(database: Database) -> None:
    of_later = of_rules({**RULE, "when": [{"moon.phase": {"at_least": 1}}]})
    admin = Actor(ActorKind.MODERATOR, "admin", "Admin")
    site = parse(configuration("sqlite:///gatepost.db")).sites[BLOG]
    await database.write(kept.put, site.rules, of_later, Policy(1, Said.HOLD), admin, expected=0)
    (found,) = await examined(database)
    assert (found.outcome, "everything waits" in found.text) == (Outcome.WARN, True)
