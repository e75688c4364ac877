"""A policy in sentences, in every language; its text as people edit it; and which of its lines differ."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.desk import changed_lines, documents, words
from service.desk.sentences import SHARES, Sentences
from service.triage import starters
from service.triage.document.known import Known
from service.triage.facts import Fact, Kind
from tests.desk.rules import EVERYTHING
from tests.triage.policies import policy_of

FACTS = list(Known().facts.values())
EXAMPLES = Path(__file__).parents[1] / "triage" / "examples"
DOCUMENTS = [
    EVERYTHING,
    *map(starters.document, starters.names()),
    *(json.loads(path.read_text("utf-8")) for path in sorted(EXAMPLES.glob("*.json"))),
]


def sentence(code: words.Code, **rule: Any) -> str:
    """What is said of one rule, without its markup."""
    people = {"regulars": [{"author.approved": {"at_least": 5}}]}
    reasons = [{"code": "r", "text": "Why."}]
    written = {"id": "a", "title": "A", "when": [{}], "then": "hold", **rule}
    policy = policy_of({"format": 1, "otherwise": "publish", "people": people, "reasons": reasons, "rules": [written]})
    return str(Sentences(words.named(code), "./").rule(policy.rules[0], policy).striptags())


@pytest.mark.parametrize(
    ("rule", "english", "german"),
    [
        ({}, "For everybody, always: hold for you.", "Für alle, immer: für Sie aufhalten."),
        (
            {"for": ["newcomers"], "not_for": ["staff", "regulars"], "then": "reject", "reason": "r"},
            "For newcomers, but not for staff or “regulars”, always: reject, because “Why.”",
            "Für Neue, aber nicht für das Team oder „regulars“, immer: ablehnen, denn: „Why.“",
        ),
        (
            {"when": [{"links.count": {"at_least": 3}, "author.trusted": False}, {"text.disguised": True}]},
            "For everybody, when the text has at least 3 links and the author is not trusted, or the text disguises "
            "letters: hold for you.",
            "Für alle, wenn der Text mindestens 3 Links hat und ihnen nicht vertraut wird, oder der Text Buchstaben "
            "verkleidet: für Sie aufhalten.",
        ),
        (
            {"when": [{"author.approved": {"at_most": 0}, "links.count": {"at_least": 1, "at_most": 2}}]},
            "For everybody, when nothing of the author is approved yet and the text has 1 to 2 links: hold for you.",
            "Für alle, wenn noch nichts von ihnen freigegeben ist und der Text 1 bis 2 Links hat: für Sie aufhalten.",
        ),
        (
            {
                "when": [{"author.rejected_share": {"at_least": 0.345}}],
                "unless": [{"post.key": {"any_of": ["a", "b*"]}}],
            },
            "For everybody, when at least 34.5 % of the author's last comments were refused, unless the post is “a” or "
            "“b…”: hold for you.",
            "Für alle, wenn mindestens 34,5 % ihrer letzten Kommentare abgelehnt wurden, es sei denn, dass der Beitrag "
            "„a“ oder „b…“ ist: für Sie aufhalten.",
        ),
        (
            {"during": [{"from": "22:30", "to": "07:00"}, {"days": ["sat", "mon"], "from": "00:00", "to": "10:00"}]},
            "For everybody, daily from 22:30 to 07:00, or Monday and Saturday from 00:00 to 10:00: hold for you.",
            "Für alle, täglich von 22:30 bis 07:00, oder Montag und Samstag von 00:00 bis 10:00: für Sie aufhalten.",
        ),
        (
            {"until": "2031-01-31T12:00:00Z", "then": "spam", "when": [{"lists.matched": {"any_of": ["slurs"]}}]},
            "For everybody, when something of the list slurs is in it, until 2031-01-31 12:00 UTC: call it spam.",
            "Für alle, wenn etwas von der Liste slurs darin steht, bis 2031-01-31 12:00 UTC: als Spam einordnen.",
        ),
    ],
)
def test_a_rule_is_a_sentence(rule: dict[str, Any], english: str, german: str) -> None:
    assert sentence("en", **rule) == english
    assert sentence("de", **rule) == german


@pytest.mark.parametrize("code", words.CODES)
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_every_fact_has_words(code: words.Code, fact: Fact) -> None:
    forms = {
        Kind.NUMBER: ("one", "other"),
        Kind.SHARE: ("share",),
        Kind.FLAG: ("true", "false"),
        Kind.NAMES: ("names",),
    }
    assert (fact.kind is Kind.SHARE) == (fact.name in SHARES)
    known = words.named(code).words
    assert [form for form in forms[fact.kind] if f"fact.{fact.name}.{form}" not in known] == []


@pytest.mark.parametrize("code", words.CODES)
def test_a_fact_without_words_is_called_by_its_name(code: words.Code) -> None:
    language = words.named(code)
    without = type(language)(
        language.code,
        {name: text for name, text in language.words.items() if not name.startswith("fact.links")},
        language.cardinal,
        language.ordinal,
    )
    policy = policy_of(
        {
            "format": 1,
            "rules": [
                {
                    "id": "a",
                    "title": "A",
                    "then": "hold",
                    "when": [{"links.count": {"at_least": 2}, "links.shortener": True}],
                }
            ],
        }
    )
    said = Sentences(without, "./").rule(policy.rules[0], policy)
    assert "links.count" in said
    assert "links.shortener" in said


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_is_written_as_it_is(document: Any) -> None:
    text = documents.written(document)
    assert json.loads(text) == document
    assert text.count("\n") < json.dumps(document, indent=2).count("\n")


def test_lines_that_differ_are_found_with_their_neighbours() -> None:
    stretches = changed_lines.between("a\nb\nc\nd\ne\nf", "a\nB\nc\nd\ne\nf\ng")
    assert [[(line.state, line.text) for line in stretch] for stretch in stretches] == [
        [("same", "a"), ("gone", "b"), ("come", "B"), ("same", "c")],
        [("same", "f"), ("come", "g")],
    ]
    assert changed_lines.between("a\nb", "a\nb") == []
