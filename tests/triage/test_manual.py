"""The manual for moderators: every policy that it shows may be put, and it explains every fact."""

import json
import re
from pathlib import Path

import pytest

from service.triage import document, starters
from service.triage.document.known import Known
from tests.triage.policies import NOON

MANUAL = (Path(__file__).parents[2] / "docs" / "triage.md").read_text("utf-8")
POLICIES = re.findall(r"```json\n(\{.*?)\n```", MANUAL, re.DOTALL)
OF_LATER = ("wave.", "learned.")


@pytest.mark.parametrize("number", range(len(POLICIES)))
def test_each_policy_of_the_manual_passes_its_tests(number: int) -> None:
    document.examine(json.loads(POLICIES[number]), Known(), version=1, now=NOON)


def test_the_manual_names_what_there_is() -> None:
    assert len(POLICIES) > 4
    assert [name for name in starters.names() if f"`{name}`" not in MANUAL] == []
    facts = [name for name in Known().facts if not name.startswith(OF_LATER)]
    assert [name for name in facts if f"`{name}`" not in MANUAL] == []
