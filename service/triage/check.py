"""What a check is: a pure function with a declaration of the facts that it says. There are two kinds."""

from collections.abc import Callable
from dataclasses import dataclass

from service.triage.facts import Fact, Findings
from service.triage.seen import Context, Text


@dataclass(frozen=True, slots=True)
class TextCheck:
    """Needs only the text, so it runs before the transaction, where it may take some milliseconds."""

    name: str
    facts: tuple[Fact, ...]
    look: Callable[[Text], Findings]


@dataclass(frozen=True, slots=True)
class ContextCheck:
    """Needs the context as well, so it runs inside the transaction, where others wait for it: microseconds."""

    name: str
    facts: tuple[Fact, ...]
    look: Callable[[Text, Context], Findings]


Check = TextCheck | ContextCheck


@dataclass(frozen=True, slots=True)
class Announced:
    """Facts that a policy may name already, although no check says them yet: they are *nothing* until one does."""

    name: str
    facts: tuple[Fact, ...]
