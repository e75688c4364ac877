"""Which environment variable is which setting, and what is wrong with its name. Called by `settings` alone."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_origin

from pydantic import BaseModel

from service import mistakes
from service.sources import PREFIX, Steps

_OF_KUBERNETES = re.compile(r"GATEPOST_(SERVICE_(HOST|PORT)|PORT)(_.*)?")


def variable_for(steps: Iterable[str]) -> str:
    """How the environment spells a place in the settings."""
    return PREFIX + "__".join(steps).upper().replace("-", "_")


def secrets_named_in(values: object) -> Iterator[str]:
    """Which variables hold secrets, as the `*_env` settings say: those may be called anything."""
    if isinstance(values, Mapping):
        yield from (text for name, text in values.items() if str(name).endswith("_env") and isinstance(text, str))
    if isinstance(values, Mapping | list | tuple):
        for value in values.values() if isinstance(values, Mapping) else values:
            yield from secrets_named_in(value)


def is_setting(steps: Steps, model: type[BaseModel]) -> bool:
    """Whether there is a setting at that place."""
    found: Any = model
    for step in steps:
        found = mistakes.inside(found, step)
    return found is not None


def mistake_in(name: str, steps: Steps, *, text: str, model: type[BaseModel]) -> str | None:
    """What is wrong with a variable's name, or with its text where that must be JSON and is none."""
    found: Any = model
    for depth, step in enumerate(steps):
        container, found = found, mistakes.inside(found, step)
        if found is None and get_origin(container) is tuple:
            return f"a list is set as a whole: write it as JSON into {variable_for(steps[:depth])}"
        if found is None:
            return f"is not a setting: remove it or correct its name{_hint(name, steps[: depth + 1], model)}"
    if mistakes.names_at(model, steps) or get_origin(found) in {dict, tuple}:
        return _mistake_in_json(text)
    return None


def _mistake_in_json(text: str) -> str | None:
    if not text.lstrip().startswith(("[", "{")):
        return None  # words with commas, or something that the types refuse
    try:
        json.loads(text)
    except ValueError as error:
        return f"is not JSON: {error}"
    return None


def _hint(name: str, steps: Steps, model: type[BaseModel]) -> str:
    if _OF_KUBERNETES.fullmatch(name):
        return (
            "; Kubernetes sets it for a Service called gatepost: `enableServiceLinks: false` in the pod keeps it away"
        )
    *table, step = steps
    known = {inner: variable_for((*table, inner)) for inner in mistakes.names_at(model, table)}
    with_one_underscore = {
        f"{section}_{inner}": variable_for((section, inner))
        for section in (known if not table else ())
        for inner in mistakes.names_at(model, [section])
    }
    return mistakes.suggestion(step, known, unlisted=with_one_underscore)
