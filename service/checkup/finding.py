"""What a check found: one line of `gatepost check`. Made by every file of this folder, printed by `cli`."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How something is. Only `FAIL` keeps the service from doing its work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: which, how it is, and what to do about it unless it is fine."""

    outcome: Outcome
    subject: str
    text: str
    fix: str = ""


def ok(subject: str, text: str) -> Finding:
    """Fine as it is."""
    return Finding(Outcome.OK, subject, text)


def warn(subject: str, text: str, fix: str) -> Finding:
    """It works, and somebody may come to regret it."""
    return Finding(Outcome.WARN, subject, text, fix)


def fail(subject: str, text: str, fix: str) -> Finding:
    """It does not work."""
    return Finding(Outcome.FAIL, subject, text, fix)
