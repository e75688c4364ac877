"""What is wrong with a policy's document is said under its pointer, all at once, in words that tell what to write."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from service.triage import document
from service.triage.document.known import Known
from tests.triage.policies import KNOWN, completed, policy_of

Written = dict[str, Any]


def mistakes(written: object, known: Known = KNOWN) -> list[tuple[str, str]]:
    """Pointer and sentence of everything that is wrong."""
    with pytest.raises(document.DocumentError) as refused:
        document.examine(written, known, version=1, now=0)
    return [(mistake.pointer, mistake.detail) for mistake in refused.value.mistakes]


def written(*rules: Mapping[str, Any], **members: Any) -> Written:
    """A document that is good but for what a test changes."""
    return {"format": 1, "otherwise": "publish", "rules": [completed(rule) for rule in rules], **members}


def asking(*conditions: Mapping[str, Any]) -> Written:
    return written({"when": list(conditions)})


GOOD = completed({"id": "good"})
IN_THE_CONTRACT = [
    ("/otherwise", 'must be "publish" or "hold", not "spam"', written(otherwise="spam")),
    (
        "/rules/0/id",
        'must be lower-case letters, digits and single hyphens, for example "links-hold"',
        written({"id": "Links hold"}),
    ),
    (
        "/rules/0/when/0/link.count",
        'there is no fact "link.count"; did you mean "links.count"?',
        asking({"link.count": {"at_least": 1}}),
    ),
    (
        "/rules/0/when/1/links.count/more_than",
        'is not known here; did you mean "at_least"?',
        asking({}, {"links.count": {"more_than": 1}}),
    ),
    ("/rules/1/when", "needs at least one condition; [{}] means always", written(GOOD, {"when": []})),
    (
        "/rules/2/when/0/learned.spam/at_least",
        "must be at most 1",
        written(GOOD, {"id": "b"}, {"when": [{"learned.spam": {"at_least": 98}}]}),
    ),
    (
        "/rules/1/when/0/links.count",
        "at_least 3 is more than at_most 1: nothing can be both",
        written(GOOD, {"when": [{"links.count": {"at_least": 3, "at_most": 1}}]}),
    ),
    (
        "/rules/0/when/0/lists.matched/any_of/0",
        'there is no list "slur" on this site; did you mean "slurs"?',
        asking({"lists.matched": {"any_of": ["slur"]}}),
    ),
    (
        "/rules/1/for/0",
        'there is nobody called "newcomer" in /people; did you mean "newcomers"?',
        written(GOOD, {"for": ["newcomer"]}),
    ),
    (
        "/people/old/0/links.count",
        '"links.count" is not about the author; `people` knows only author.* facts',
        written({"for": ["old"]}, people={"old": [{"links.count": {"at_least": 1}}]}),
    ),
    ("/people/staff", '"staff" is built in; choose another name', written(people={"staff": [{}]})),
    (
        "/rules/0/then",
        'must be "publish", "hold", "reject", "spam" or "refuse", not "ban"',
        written({"then": "ban"}),
    ),
    ("/rules/0/reason", "reject tells the author why: name one of /reasons", written({"then": "reject"})),
    ("/rules/1/id", '"a" is used by /rules/0 already', written({"id": "a"}, {"id": "a"})),
    (
        "/rules/2/until",
        'must be a time as RFC 3339 writes it, for example "2026-01-31T12:00:00Z"',
        written(GOOD, {"id": "b"}, {"until": "2026-01-31"}),
    ),
    (
        "/lockdown/rules/0/then",
        "a lockdown only tightens: publish is not possible here",
        written(lockdown={"rules": [completed({"then": "publish"})]}),
    ),
    ("/time_zone", '"Berlin" is no IANA time zone, for example "Europe/Berlin"', written(time_zone="Berlin")),
    (
        "/tests/0",
        '"one link waits" expects hold, but publish comes out (by otherwise)',
        written(tests=[{"name": "one link waits", "text": "http://a.example", "expect": "hold"}]),
    ),
]
"""The table in 3.7 of the contract, row by row."""

BESIDE = [
    ("", "must be an object", []),
    ("/format", "is required", {"otherwise": "hold"}),
    ("/format", "must be 1", {"format": True}),
    ("/rule", 'is not known here; did you mean "rules"?', {"format": 1, "rule": []}),
    ("/zebra", "is not known here", {"format": 1, "zebra": 1}),
    ("/rules", "must be a list", {"format": 1, "rules": {}}),
    ("/rules", "may have at most 64 items", written(*({"id": f"r-{number}"} for number in range(65)))),
    ("/rules/0", "must be an object", {"format": 1, "rules": ["hold links"]}),
    ("/rules/0/title", "is required", {"format": 1, "rules": [{"id": "a", "when": [{}], "then": "hold"}]}),
    ("/rules/0/title", "must have 1 to 120 characters", written({"title": "x" * 121})),
    ("/rules/0/title", "must be text", written({"title": None})),
    ("/rules/0/id", "must have 1 to 40 characters", written({"id": "x" * 41})),
    ("/rules/0/mode", 'must be "live", "observe" or "off", not "shadow"', written({"mode": "shadow"})),
    (
        "/rules/0/then",
        'must be "publish", "hold", "reject", "spam" or "refuse", not a list',
        written({"then": ["hold"]}),
    ),
    ("/rules/0/priority", "must be a whole number", written({"priority": 1.5})),
    ("/rules/0/priority", "must be at most 100", written({"priority": 101})),
    ("/rules/0/when", "may have at most 8 items", written({"when": [{}] * 9})),
    ("/rules/0/unless", "may have at most 8 items", written({"unless": [{}] * 9})),
    ("/rules/0/for", "may have at most 8 items", written({"for": ["staff"] * 9})),
    ("/rules/0/when/0/links.count", 'needs "at_least" or "at_most"', asking({"links.count": {}})),
    ("/rules/0/when/0/links.count", "must be an object", asking({"links.count": 3})),
    ("/rules/0/when/0/links.count/at_least", "must be a number", asking({"links.count": {"at_least": True}})),
    ("/rules/0/when/0/links.count/at_least", "must be a number", asking({"links.count": {"at_least": 10**400}})),
    ("/rules/0/when/0/links.count/at_least", "must be a number", asking({"links.count": {"at_least": float("nan")}})),
    ("/rules/0/when/0/learned.spam/at_most", "must be at least 0", asking({"learned.spam": {"at_most": -0.1}})),
    ("/rules/0/when/0/links.lookalike", "must be true or false", asking({"links.lookalike": "yes"})),
    ("/rules/0/when/0/post.key/any_of", "is required", asking({"post.key": {}})),
    (
        "/rules/0/when/0/post.key/is",
        'is not known here; did you mean "any_of"?',
        asking({"post.key": {"any_of": ["x"], "is": "x"}}),
    ),
    ("/rules/0/when/0/post.key/any_of", "must have 1 to 50 items", asking({"post.key": {"any_of": []}})),
    ("/rules/0/when/0/post.key/any_of/0", "must be text", asking({"post.key": {"any_of": [1]}})),
    ("/rules/0/when/0/a~1b~0c", 'there is no fact "a/b~c"', asking({"a/b~c": True})),
    (
        "/rules/0/when/0/lists.matched/any_of/0",
        'there is no list "zz*" on this site',
        asking({"lists.matched": {"any_of": ["zz*"]}}),
    ),
    ("/rules/0/not_for/0", 'there is nobody called "x" in /people', written({"not_for": ["x"]})),
    (
        "/rules/0/reason",
        'there is no reason "link" in /reasons; did you mean "links"?',
        written({"reason": "link"}, reasons=[{"code": "links", "text": "No links."}]),
    ),
    (
        "/rules/0/reason",
        "refuse tells the author why: name one of /reasons",
        written({"then": "refuse", "reason": None}),
    ),
    (
        "/rules/0/brake",
        "a rule that says hold has no brake: it never acts alone",
        written({"brake": {"share": 0.1, "per_day": 1}}),
    ),
    (
        "/rules/0/brake",
        "only a rule that says publish may go without a brake",
        written({"then": "spam", "brake": None}),
    ),
    ("/rules/0/brake/share", "must be more than 0", written({"then": "spam", "brake": {"share": 0, "per_day": 1}})),
    ("/rules/0/brake/per_day", "must be at least 1", written({"then": "spam", "brake": {"share": 1, "per_day": 0}})),
    ("/rules/0/brake/per_day", "is required", written({"then": "spam", "brake": {"share": 1}})),
    (
        "/lockdown/rules/0/brake",
        "a rule of a lockdown has no brake: it ends by itself",
        written(lockdown={"rules": [completed({"then": "spam", "brake": {"share": 0.1, "per_day": 1}})]}),
    ),
    ("/lockdown/rules", "is required", written(lockdown={})),
    ("/lockdown/rules/0/id", '"a" is used by /rules/0 already', written({}, lockdown={"rules": [completed({})]})),
    (
        "/lockdown/rules",
        "may have at most 16 items",
        written(lockdown={"rules": [completed({"id": f"r-{number}"}) for number in range(17)]}),
    ),
    ("/rules/0/during/0/to", "is required", written({"during": [{"from": "22:00"}]})),
    (
        "/rules/0/during/0/from",
        'must be a time of day as hours and minutes, for example "22:30"',
        written({"during": [{"from": "24:00", "to": "07:00"}]}),
    ),
    (
        "/rules/0/during/0/days/0",
        'must be "mon", "tue", "wed", "thu", "fri", "sat" or "sun", not "monday"',
        written({"during": [{"days": ["monday"], "from": "22:00", "to": "07:00"}]}),
    ),
    (
        "/rules/0/during/0/days",
        "must have 1 to 7 items",
        written({"during": [{"days": [], "from": "22:00", "to": "07:00"}]}),
    ),
    ("/rules/0/during", "may have at most 8 items", written({"during": [{"from": "22:00", "to": "07:00"}] * 9})),
    (
        "/people/Regulars",
        'must be lower-case letters, digits and single hyphens, for example "links-hold"',
        written(people={"Regulars": [{}]}, rules=[completed({"for": ["Regulars"]})]),
    ),
    ("/people/old", "needs at least one condition; [{}] means always", written(people={"old": []})),
    ("/reasons/0/code", "is required", written(reasons=[{"text": "No."}])),
    ("/reasons/0/text", "must have 1 to 500 characters", written(reasons=[{"code": "no", "text": "x" * 501}])),
    ("/reasons/0/reference", "must be text", written(reasons=[{"code": "no", "text": "x", "reference": 1}])),
    ("/reasons/1/code", '"no" is used by /reasons/0 already', written(reasons=[{"code": "no", "text": "x"}] * 2)),
    (
        "/reasons",
        "may have at most 60 items",
        written(reasons=[{"code": f"r-{number}", "text": "x"} for number in range(61)]),
    ),
    ("/waiting_per_author", "must be at least 1", written(waiting_per_author=0)),
    ("/waves/same_text_hours", "must be at most 720", written(waves={"same_text_hours": 721})),
    ("/waves/latecomers_minutes", "must be at least 0", written(waves={"latecomers_minutes": -1})),
    ("/audit_share", "must be at most 0.5", written(audit_share=0.6)),
    ("/require_reason", "must be true or false", written(require_reason=1)),
    *(
        ("/time_zone", f'"{zone}" is no IANA time zone, for example "Europe/Berlin"', written(time_zone=zone))
        for zone in ("Europe", "../UTC", "/etc/passwd", "Europe/", "localtime", "posix/UTC", "")
    ),
    ("/time_zone", 'null is no IANA time zone, for example "Europe/Berlin"', written(time_zone=None)),
    *(
        (
            "/rules/0/until",
            'must be a time as RFC 3339 writes it, for example "2026-01-31T12:00:00Z"',
            written({"until": until}),
        )
        for until in (
            5,
            "",
            "2026-02-30T00:00:00Z",
            "2026-01-31T12:00:00",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00+14:00",
        )
    ),
    ("/tests", "may have at most 50 items", written(tests=[{"name": "x", "expect": "publish"}] * 51)),
    ("/tests/0/expect", "is required", written(tests=[{"name": "x"}])),
    (
        "/tests/0/text",
        "must have 1 to 2000 characters",
        written(tests=[{"name": "x", "expect": "publish", "text": "x" * 2001}]),
    ),
    (
        "/tests/0/given/link.count",
        'there is no fact "link.count"; did you mean "links.count"?',
        written(tests=[{"name": "x", "expect": "publish", "given": {"link.count": 1}}]),
    ),
    (
        "/tests/0/given/learned.spam",
        "must be at most 1",
        written(tests=[{"name": "x", "expect": "publish", "given": {"learned.spam": 2}}]),
    ),
    (
        "/tests/0/given/author.trusted",
        "must be true or false",
        written(tests=[{"name": "x", "expect": "publish", "given": {"author.trusted": 1}}]),
    ),
    (
        "/tests/0/given/author.role",
        "must be a list",
        written(tests=[{"name": "x", "expect": "publish", "given": {"author.role": "admin"}}]),
    ),
    (
        "/tests/0/could_not_run/0",
        'there is no check "link"; did you mean "links"?',
        written(tests=[{"name": "x", "expect": "publish", "could_not_run": ["link"]}]),
    ),
    (
        "/tests/0/by/0",
        'there is no rule "b" in /rules',
        written({}, tests=[{"name": "x", "expect": "hold", "by": ["b"]}]),
    ),
    (
        "/tests/0",
        '"x" expects hold by b, but hold comes out (by a, b)',
        written({}, {"id": "b"}, tests=[{"name": "x", "expect": "hold", "by": ["b"]}]),
    ),
    (
        "/tests/0",
        '"x" expects publish by otherwise, but hold comes out (by a)',
        written({}, tests=[{"name": "x", "expect": "publish", "by": []}]),
    ),
]


@pytest.mark.parametrize(("pointer", "detail", "bad"), IN_THE_CONTRACT, ids=lambda value: str(value)[:40])
def test_message_of_the_contract(pointer: str, detail: str, bad: Written) -> None:
    assert mistakes(bad) == [(pointer, detail)]


@pytest.mark.parametrize(("pointer", "detail", "bad"), BESIDE, ids=lambda value: str(value)[:40])
def test_every_member_and_limit_has_its_message(pointer: str, detail: str, bad: Written) -> None:
    assert mistakes(bad) == [(pointer, detail)]


def test_all_mistakes_are_told_at_once() -> None:
    bad = written({"id": "A", "then": "ban"}, {"when": [{"link.count": {}}], "for": ["newcomer"]}, time_zone="Berlin")
    assert {pointer for pointer, _ in mistakes(bad)} == {
        "/rules/0/id",
        "/rules/0/then",
        "/rules/1/when/0/link.count",
        "/rules/1/for/0",
        "/time_zone",
    }


def test_own_tests_are_run_only_in_a_document_that_is_good() -> None:
    failing = [{"name": "x", "expect": "spam"}]
    assert mistakes(written({"id": "A"}, tests=failing)) == mistakes(written({"id": "A"}))


def test_document_is_at_most_48_kilobytes_long() -> None:
    reasons = [{"code": f"r-{number:02}", "text": "é" * 250, "reference": "x" * 275} for number in range(60)]
    room = 48 * 1024 - len(json.dumps(written(reasons=reasons), ensure_ascii=False, separators=(",", ":")).encode())
    assert 0 < room < 200
    reasons[-1]["reference"] += "x" * room
    assert len(policy_of(written(reasons=reasons)).reasons) == 60
    reasons[-1]["reference"] += "x"
    assert mistakes(written(reasons=reasons)) == [("", "may have at most 48 kB as JSON, and has 49")]


def test_what_a_sentence_quotes_is_cut() -> None:
    [(_, detail)] = mistakes(written({"then": "x" * 5000}))
    assert len(detail) < 250


def test_lists_are_not_looked_up_where_nobody_asked_which_there_are() -> None:
    bad = asking({"lists.matched": {"any_of": ["gone"]}})
    assert policy_of(bad, Known()).rules[0].lists == {"gone"}
    assert mistakes(bad, Known(frozenset())) == [
        ("/rules/0/when/0/lists.matched/any_of/0", 'there is no list "gone" on this site')
    ]
