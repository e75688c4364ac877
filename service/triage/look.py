"""Lets the checks look: those of the text alone before the transaction, the others inside. Every check runs, always.

A check that raises costs nobody a comment: its facts could not run, and a rule that would need them holds. The caller
logs the `error` of each failure.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from service.triage.check import Check, ContextCheck, TextCheck
from service.triage.checks import CHECKS
from service.triage.facts import CouldNotRun, Fact, Facts, Failure, Findings, Value, Verdict
from service.triage.seen import Context, Text


def at_text(text: Text, *, checks: Iterable[Check] = CHECKS) -> Facts:
    """What the checks of the text alone find. A long text can take milliseconds."""
    return _found((check, partial(check.look, text)) for check in checks if isinstance(check, TextCheck))


def at_context(text: Text, context: Context, *, checks: Iterable[Check] = CHECKS) -> Facts:
    """What those checks find that need the context as well."""
    return _found((check, partial(check.look, text, context)) for check in checks if isinstance(check, ContextCheck))


def _found(looks: Iterable[tuple[Check, Callable[[], Findings]]]) -> Facts:
    values: dict[str, Value | None] = {}
    verdicts: list[Verdict] = []
    failures: list[Failure] = []
    for check, look in looks:
        try:
            findings = look()
            _require_declared(check, findings)
        except Exception as error:  # noqa: BLE001 - whatever a check does, its facts are unknown and the text goes on
            failures.append(_failure(check, error))
            continue
        said = findings.facts
        for fact in check.facts:
            values[fact.name] = said.get(fact)
        verdicts += [_signed(verdict, check.name, said) for verdict in findings.verdicts]
    return Facts(values, tuple(verdicts), tuple(failures))


def _signed(verdict: Verdict, check: str, said: Mapping[Fact, Value | None]) -> Verdict:
    """With the name of its check. One that does not say of what it speaks speaks of everything that was found."""
    explains = verdict.explains
    if explains is None:
        explains = {fact: value for fact, value in said.items() if value is not None}
    return Verdict(
        verdict.code, verdict.text, verdict.lean, verdict.score, verdict.spans, explains, verdict.more, check
    )


def _require_declared(check: Check, findings: Findings) -> None:
    """A value of the wrong kind must not reach the rules: no comparison holds for "not a number", and nothing would
    be held."""
    for said in (findings.facts, *(verdict.explains for verdict in findings.verdicts if verdict.explains)):
        for fact, value in said.items():
            if fact not in check.facts:
                raise LookupError(f"it says {fact.name}, which it does not declare")
            if not fact.takes(value):
                raise TypeError(f"it says something for {fact.name} that is no {fact.kind}")


def _failure(check: Check, error: Exception) -> Failure:
    facts = frozenset(fact.name for fact in check.facts)
    if isinstance(error, CouldNotRun):
        return Failure(check.name, facts, str(error))
    return Failure(check.name, facts, f'The check "{check.name}" could not run.', error)
