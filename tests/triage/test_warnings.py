"""What is legal and may not be meant is said beside the document, which is saved all the same."""

from typing import Any

import pytest

from service.triage import document
from service.triage.document.warnings import NO_EXPERIENCE, Experience
from tests.triage.policies import KNOWN, NOON, completed

MODEL = {"at_least": 0.9}
REASONS = [{"code": "why", "text": "Because."}]


def warned(
    *rules: dict[str, Any], otherwise: str = "publish", experience: Experience = NO_EXPERIENCE, **members: Any
) -> list[tuple[str, str]]:
    written = {"format": 1, "otherwise": otherwise, "rules": [completed(rule) for rule in rules], **members}
    found = document.examine(written, KNOWN, version=1, now=NOON, experience=experience).warnings
    assert all(warning.detail for warning in found)
    return [(warning.pointer, warning.code) for warning in found]


PUBLISH = {"id": "p", "then": "publish"}


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ([("/rules/0", "no-effect")], warned({"then": "publish"})),
        ([("/rules/0", "no-effect")], warned({"then": "hold"}, otherwise="hold")),
        ([("/rules/1", "acts-alone")], warned({"then": "hold"}, PUBLISH, otherwise="hold")),
        ([("/rules/0", "no-effect")], warned({}, {**PUBLISH, "mode": "observe"}, otherwise="hold")),
        ([], warned({"then": "hold"})),
        ([], warned({"then": "hold", "priority": 5}, otherwise="hold")),
        ([], warned({"then": "publish", "mode": "off"})),
        ([("/lockdown/rules/0", "no-effect")], warned(otherwise="hold", lockdown={"rules": [completed({})]})),
    ],
)
def test_rule_that_changes_nothing(expected: list[tuple[str, str]], found: list[tuple[str, str]]) -> None:
    assert found == expected


def test_rule_that_acts_alone_is_told_with_its_brake() -> None:
    rule = completed({"then": "spam", "brake": {"share": 0.025, "per_day": 30}})
    written = {"format": 1, "rules": [rule], "lockdown": {"rules": [completed({"id": "l", "then": "spam"})]}}
    written["rules"].append(completed({"id": "b", "then": "publish"}))  # type: ignore[attr-defined]
    found = document.examine(written, KNOWN, version=1, now=NOON).warnings
    assert [(one.pointer, one.code) for one in found] == [
        ("/rules/0", "acts-alone"),
        ("/rules/1", "acts-alone"),
        ("/lockdown/rules/0", "acts-alone"),
    ]
    assert "2.5 %" in found[0].detail
    assert "30 times" in found[0].detail
    assert "no brake" in found[1].detail
    assert "lockdown" in found[2].detail


def test_reasons_and_people_that_no_rule_names() -> None:
    people = {"regulars": [{"author.approved": {"at_least": 5}}], "old": [{"author.known_days": {"at_least": 9}}]}
    more = [*REASONS, {"code": "spare", "text": "For moderators."}]
    assert warned({"reason": "why", "not_for": ["regulars"]}, people=people, reasons=more) == [
        ("/reasons/1", "unused"),
        ("/people/old", "unused"),
    ]
    locked = [completed({"id": "l", "for": ["old"], "reason": "spare"})]
    assert (
        warned({"reason": "why", "not_for": ["regulars"]}, people=people, reasons=more, lockdown={"rules": locked})
        == []
    )


def test_rule_whose_last_moment_is_past() -> None:
    assert warned({"until": "2026-01-07T12:00:00Z", "then": "spam"}) == [("/rules/0/until", "long-gone")]
    assert warned({"until": "2026-01-07T12:00:00.001Z"}) == []


@pytest.mark.parametrize(
    ("then", "bounds", "is_loose"),
    [
        ("spam", {"at_least": 0.95}, False),
        ("spam", {"at_least": 0.94}, True),
        ("refuse", {"at_most": 0.5}, True),
        ("publish", {"at_most": 0.05}, False),
        ("publish", {"at_most": 0.06}, True),
        ("publish", {"at_least": 0.99}, True),
        ("hold", {"at_least": 0.1}, False),
    ],
)
def test_model_that_would_act_alone_on_little(then: str, bounds: dict[str, float], *, is_loose: bool) -> None:
    rule = {"when": [{}, {"learned.spam": bounds}], "then": then, "reason": "why", "priority": 1}
    found = [pointer for pointer, code in warned(rule, otherwise="hold", reasons=REASONS) if code == "loose-threshold"]
    assert found == (["/rules/0/when/1/learned.spam"] if is_loose else [])
    assert warned({**rule, "mode": "observe"}, otherwise="hold", reasons=REASONS) == []


def test_fact_that_is_seldom_known_and_list_without_entries() -> None:
    experience = Experience(
        empty_lists=frozenset({"slurs"}), nothing={"post.age_days": 0.91, "text.capitals_share": 0.9}
    )
    asking = {"when": [{}, {"post.age_days": {"at_least": 90}, "text.capitals_share": {"at_least": 0.7}}]}
    listed = {"id": "b", "when": [{"lists.matched": {"any_of": ["slurs", "rivals"]}}]}
    excepted = {"id": "c", "unless": [{"post.age_days": {"at_least": 1}}]}
    assert warned(asking, listed, excepted, experience=experience) == [
        ("/rules/0/when/1/post.age_days", "abstains-often"),
        ("/rules/1/when/0/lists.matched", "empty-list"),
        ("/rules/2/unless/0/post.age_days", "abstains-often"),
    ]
    assert warned({**asking, "mode": "off"}, experience=experience) == []
    people = {"busy": [{"author.rejected_share": {"at_least": 0.5}}]}
    seldom = Experience(nothing={"author.rejected_share": 1})
    assert warned({"for": ["busy"]}, people=people, experience=seldom) == [
        ("/people/busy/0/author.rejected_share", "abstains-often")
    ]


def test_lists_that_no_rule_names() -> None:
    experience = Experience(lists=frozenset({"slurs", "rivals", "shops"}))
    off = {"mode": "off", "when": [{}], "unless": [{"lists.matched": {"any_of": ["rivals"]}}]}
    assert warned(off, experience=experience) == [("/rules", "unused")] * 2
    beginning = {"id": "b", "when": [{"lists.matched": {"any_of": ["s*"]}}]}
    assert warned(off, beginning, experience=experience) == []
