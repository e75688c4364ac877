"""The lists of a site as texts are compared with them: frozen, made once for each state of the lists."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.model import Milliseconds
from service.text import folding
from service.triage.lists import hosts, patterns
from service.triage.lists.entry import Entry, ListKind, Target
from service.triage.lists.reading import Reading
from service.triage.lists.words import Words

MOST_PLACES = 40
"""Of one entry in one text. More make no difference to anybody who reads the verdict."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """One list, whose entries are ready to be looked up. Past `until` one of them holds no more."""

    name: str
    kind: ListKind
    entries: Sequence[Entry]
    words: Words | None
    patterns: Sequence[tuple[Target, Any]]
    until: Milliseconds | None
    made: object = None
    """Of which state of the list."""


def compile_list(
    name: str, kind: ListKind, entries: Sequence[Entry], *, now: Milliseconds = 0, made: object = None
) -> Compiled:
    """Make a list ready. 2,000 words take some hundredths of a second, 50 patterns tenths."""
    holding = [entry for entry in entries if entry.until is None or entry.until > now]
    until = min((entry.until for entry in holding if entry.until is not None), default=None)
    words = Words().add(name, holding) if kind is ListKind.WORDS else None
    searches = [(Target(name, one), patterns.ready(one.value)) for one in holding if kind is ListKind.PATTERNS]
    return Compiled(name, kind, holding, words, searches, until, made)


Linked = Mapping[str, Sequence[tuple[int, int]]]
"""The folded hosts of a text's links, and where these stand in its body."""


class Hit(NamedTuple):
    """An entry that stands in a text. `places` are in code points of the body; none where only readers see the word."""

    kind: ListKind
    list: str
    entry: Entry
    places: tuple[tuple[int, int], ...]


class Lists:
    """All lists of a site at one moment. `mark` names this state of them; past `until` an entry of it holds no more."""

    def __init__(
        self, lists: Iterable[Compiled] = (), *, mark: str | None = None, until: Milliseconds | None = None
    ) -> None:
        self.mark, self.until = mark, until
        self._words = Words()
        self._hosts: dict[str, list[Target]] = {}
        self._patterns: list[tuple[Target, Any]] = []
        self.kinds: dict[str, ListKind] = {}
        for one in lists:
            self.kinds[one.name] = one.kind
            if one.words is not None:
                self._words.take(one.words)
            elif one.kind is ListKind.PATTERNS:
                self._patterns += one.patterns
            else:
                for entry in one.entries:
                    self._hosts.setdefault(hosts.folded(entry.value) or "", []).append(Target(one.name, entry))

    def holds_at(self, now: Milliseconds) -> bool:
        """Whether every entry that was taken in still holds."""
        return self.until is None or now < self.until

    def find(self, body: str, shown: str, linked: Linked) -> list[Hit]:
        """Every entry that a text holds. `shown` is what readers see of the body."""
        if not self.kinds:
            return []
        reading = Reading(body)
        places: dict[Target, list[tuple[int, int]]] = {}
        for target, start, end in self._places(reading):
            places.setdefault(target, []).append(reading.folded.span(start, end))
        if not _is_all_shown(body, shown):
            for target, _, _ in self._places(Reading(shown)):
                places.setdefault(target, [])
        for target, some in self._of_hosts(linked):
            places.setdefault(target, []).extend(some)
        return [
            Hit(self.kinds[target.list], target.list, target.entry, tuple(sorted(set(some))[:MOST_PLACES]))
            for target, some in places.items()
        ]

    def _places(self, reading: Reading) -> Iterator[tuple[Target, int, int]]:
        yield from self._words.find(reading)
        for target, pattern in self._patterns:
            for number, match in enumerate(pattern.finditer(reading.folded.text)):
                if number == MOST_PLACES:
                    break
                if match.end() > match.start():
                    yield target, match.start(), match.end()

    def _of_hosts(self, linked: Linked) -> Iterator[tuple[Target, Sequence[tuple[int, int]]]]:
        if not self._hosts:
            return
        for host, places in linked.items():
            for above in hosts.above(host):
                for target in self._hosts.get(above, ()):
                    if not _is_excepted(host, target.entry):
                        yield target, places


NO_LISTS = Lists()


def _is_excepted(host: str, entry: Entry) -> bool:
    excepted = {hosts.folded(exception) for exception in entry.exceptions}
    return any(above in excepted for above in hosts.above(host))


def _is_all_shown(body: str, shown: str) -> bool:
    """Whether readers see the source: then there is nothing that only they see."""
    if body.strip() == shown.strip() or body.split() == shown.split():
        return True
    return folding.folded(body).text.split() == folding.folded(shown).text.split()
