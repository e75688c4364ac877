"""Why a comment waits, or what a rule made of it, in words for moderators: made of the judgement of its newest text.

The rules that decided come first, each with what checks saw that it rests on; then those that would have done something
else; then what checks found suspicious and no rule spoke of. What has a place in the text is marked there as well.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from service.desk.marking import Mark
from service.desk.rendering import Many
from service.reading.language import Language

MOST_SAID: Final = 5
"""Sentences for one rule. The text is marked wherever something stands, so the first few are enough to see why."""
MOST_WRITTEN: Final = 60
"""Characters of the text that a sentence repeats."""
_SUSPICIOUS: Final = frozenset({"hold", "spam"})
"""What a check would do of itself."""
_BESIDE_THE_NAME: Final = frozenset({"newcomer"})
"""What a card says of its author anyway; it is repeated only where a rule rests on it."""
_COUNTED: Final[Mapping[str, str]] = {
    "links": "links.count",
    "new-host": "links.new_hosts",
    "repeated-by-author": "repeats.by_author",
    "repeated-on-site": "repeats.on_site",
    "repeated-run": "text.repeated_run",
}
"""The fact whose number goes into the sentence of a verdict."""
_SHARES: Final[Mapping[str, str]] = {"bad-record": "author.rejected_share", "capitals": "text.capitals_share"}


@dataclass(frozen=True, slots=True)
class Spoken:
    """A rule that spoke. `words` names what is said before its title; `saw` is what checks saw that it rests on, and
    which of them could not run."""

    id: str
    title: str
    words: str
    is_braked: bool
    saw: Sequence[Markup]


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that a card says of a judgement."""

    rules: Sequence[Spoken]
    also: Sequence[Markup]
    marks: Sequence[Mark]


def told(judgement: Mapping[str, Any], body: str, list_titles: Mapping[str, str], language: Language) -> Told:
    """What a judgement says of this text. `list_titles` are those of the lists that it names."""
    say = _Words(judgement["facts"], body, list_titles, language)
    verdicts: list[tuple[Mapping[str, Any], Markup]] = [
        (verdict, say.saw(verdict))
        for verdict in judgement["verdicts"]
        if verdict["rules"] or (verdict["lean"] in _SUSPICIOUS and verdict["code"] not in _BESIDE_THE_NAME)
    ]
    rules = [_spoken(rule, judgement, verdicts, say) for rule in _in_order(judgement)]
    titles = {rule["id"]: rule["title"] for rule in judgement["rules"]}
    return Told(
        rules=rules,
        also=say.first_of(words for verdict, words in verdicts if not verdict["rules"]),
        marks=[mark for verdict, words in verdicts for mark in _marks(verdict, words, titles)],
    )


def check_name(name: str, language: Language) -> Markup:
    """How moderators call a check; one that has no words yet by its own name."""
    known = f"check.{name}"
    return language.say(known) if known in language.words else escape(name)


def _in_order(judgement: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The rules that decided, then the others that spoke."""
    by = frozenset(judgement["by"])
    yield from (rule for rule in judgement["rules"] if rule["id"] in by)
    yield from (rule for rule in judgement["rules"] if rule["id"] not in by)


def _spoken(
    rule: Mapping[str, Any],
    judgement: Mapping[str, Any],
    verdicts: Sequence[tuple[Mapping[str, Any], Markup]],
    say: "_Words",
) -> Spoken:
    hindered = [say.could_not(one) for one in judgement["could_not_judge"] if one["rule"] == rule["id"]]
    if rule["id"] not in judgement["by"]:
        words = f"ruled.other.{rule['said']}"
    else:
        words = "ruled.unknown" if hindered else f"ruled.{judgement['outcome']}"
    saw = say.first_of(words for verdict, words in verdicts if rule["id"] in verdict["rules"])
    return Spoken(rule["id"], rule["title"], words, rule["braked"], [*hindered, *saw])


def _marks(verdict: Mapping[str, Any], words: Markup, titles: Mapping[str, str]) -> Iterator[Mark]:
    """Where it stands, and which rule spoke of that."""
    named = ", ".join(titles[rule] for rule in verdict["rules"] if rule in titles)
    title = Markup("{}: {}").format(named, words) if named else words
    return (Mark(span["start"], span["end"], title) for span in verdict["spans"])


class _Words:
    """The sentences of one judgement, in one language."""

    def __init__(self, facts: Mapping[str, Any], body: str, list_titles: Mapping[str, str], language: Language) -> None:
        self._facts, self._body, self._list_titles, self._language = facts, body, list_titles, language
        self._many = Many(language)

    def saw(self, verdict: Mapping[str, Any]) -> Markup:
        """What a check saw. A code that has no words yet is told in the service's English."""
        code = verdict["code"]
        number, share = self._facts.get(_COUNTED.get(code, "")), self._facts.get(_SHARES.get(code, ""))
        if isinstance(number, int):
            return self._many(f"saw.{code}", number)
        if isinstance(share, int | float):
            return self._language.say(f"saw.{code}", percent=round(100 * share))
        if "entry" in verdict:
            return self._listed(verdict)
        if f"saw.{code}" in self._language.words:
            return self._language.say(f"saw.{code}", written=self._written(verdict))
        return escape(verdict["text"].rstrip("."))

    def could_not(self, one: Mapping[str, str]) -> Markup:
        """Which check could not run, and the service's own English where that says more."""
        check = check_name(one["check"], self._language)
        is_usual = one["text"].startswith(f'The check "{one["check"]}"')
        said = self._language.say("ruled.could-not", check=check)
        return said if is_usual else Markup('{} <i lang="en">({})</i>').format(said, one["text"].rstrip("."))

    def first_of(self, sentences: Iterable[Markup]) -> list[Markup]:
        """The first of these, and how many more there are."""
        all_of_them = list(dict.fromkeys(sentences))
        more = len(all_of_them) - MOST_SAID
        return all_of_them if more <= 0 else [*all_of_them[:MOST_SAID], self._many("ruled.more", more)]

    def _listed(self, verdict: Mapping[str, Any]) -> Markup:
        entry, written, code = verdict["entry"], self._written(verdict), verdict["code"]
        if code == "word-matched" and written.casefold() != entry.casefold():
            code = "word-disguised" if written else "word-shown"
        title = self._list_titles.get(verdict["list"], verdict["list"])
        name = f"saw.{code}"
        if name not in self._language.words:
            return escape(verdict["text"].rstrip("."))
        return self._language.say(name, entry=entry, list=title, written=written or entry)

    def _written(self, verdict: Mapping[str, Any]) -> str:
        """The first place in the text, as its author wrote it."""
        if not verdict["spans"]:
            return ""
        first = verdict["spans"][0]
        written = " ".join(self._body[first["start"] : first["end"]].split())
        return written if len(written) <= MOST_WRITTEN else f"{written[:MOST_WRITTEN]}…"
