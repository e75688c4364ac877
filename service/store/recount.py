"""What a `verify` rule is. The rules stand beside the queries that must keep them, as `RULES` of each file.

Whatever the service keeps twice (counts, the queue, the order of events) is counted anew by them and compared.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from service.store import snapshot
from service.store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Recount:
    """A query whose every row is a difference, and the sentence that says which.

    Plain SQL, the same for both engines: a boolean is compared with a boolean, and never with a number.
    """

    name: str
    query: str
    sentence: str

    def lines(self, moment: Snapshot) -> Iterator[str]:
        """One line per difference. Keys are shown as Python writes them: a line stays one."""
        for row in moment.rows(snapshot.sql(self.query)):
            yield self.sentence.format(*map(shown, row))


@dataclass(frozen=True, slots=True)
class Inspection:
    """A rule that SQL cannot say: a function that yields a line per difference."""

    name: str
    lines: Callable[[Snapshot], Iterator[str]]


Rule = Recount | Inspection


def shown(value: object) -> str:
    """A value in a line, whatever is in it."""
    return ascii(value) if isinstance(value, str) and not value.isprintable() else str(value)
