"""Puts what is wrong in a configuration into sentences that say what to write. Called by `settings` and `environment`.

No sentence quotes a value: it may be a secret. Names of settings and of environment variables are quoted.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

LONGEST_NAME = 100
_TABLE = "must be a table (in the environment: a JSON object)"
_SENTENCES = {
    "missing": "is required: add it",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "string_type": "must be text in quotes",
    "union_tag_not_found": "needs a `kind`: add it",
    "path_type": "must be the path of a file, in quotes",
    "tuple_type": "must be a list (tables: [[...]] above each; in the environment: JSON, or words with commas between)",
    "dict_type": _TABLE,
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
}
"""pydantic's kinds of mistake whose own words speak of Python types. The others are good enough."""
_BOUNDS = {
    "too_short": ("min_length", "must name at least {}"),
    "too_long": ("max_length", "may name at most {}"),
    "string_too_short": ("min_length", "must have at least {} characters"),
    "string_too_long": ("max_length", "may have at most {} characters"),
}
"""Those that say how many there may be, with the name of the bound in what pydantic says of it."""


def each(error: ValidationError) -> list[ErrorDetails]:
    """The mistakes, without values. Where items of a list are wrong, pydantic also says that the list is too short,
    because it counts the good ones only: that second complaint is left out."""
    found = error.errors(include_input=False, include_url=False)
    around = {item["loc"][:-1] for item in found}
    return [item for item in found if item["type"] != "too_short" or item["loc"] not in around]


def sentence(error: ErrorDetails, model: type[BaseModel]) -> str:
    """What is wrong at `error["loc"]` in a configuration shaped like `model`, and what to do about it."""
    kind, location = error["type"], error["loc"]
    if kind == "extra_forbidden":
        known = {name: name for name in names_at(model, location[:-1])}
        return f"is not a setting: remove it or correct its name{suggestion(str(location[-1]), known)}"
    if kind == "value_error":
        return error["msg"].removeprefix("Value error, ")
    if kind == "union_tag_invalid":  # pydantic's own words quote what was given
        return f"{error['ctx']['discriminator']} must be one of {error['ctx']['expected_tags']}"
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        number = error["ctx"][bound]
        return "must not be empty" if (kind, number) == ("string_too_short", 1) else words.format(number)
    return _SENTENCES.get(kind) or error["msg"].replace("Input should", "must").replace("String should", "must")


def place(location: Iterable[int | str], model: type[BaseModel]) -> str:
    """Where a mistake is, as one would write it: `sites.blog.login.0.issuer`."""
    shown, found = [], cast(Any, model)
    for step in location:
        if step != "[key]" and not _variants(found):  # where pydantic puts a variant's name, nobody wrote anything
            shown.append(str(step)[:LONGEST_NAME])
        found = inside(found, step)
    return ".".join(shown)


def suggestion(name: str, known: Mapping[str, str], *, unlisted: Mapping[str, str] | None = None) -> str:
    """What may have been meant by `name`: the nearest of the names that are known or `unlisted`, else all known ones.

    Both say for each name how it is spelled where the mistake was made.
    """
    spelled = {**known, **(unlisted or {})}
    near = get_close_matches(name.lower(), spelled, n=1)
    if near:
        return f" (did you mean {spelled[near[0]]}?)"
    return f" (known here: {', '.join(sorted(known.values()))})" if known else ""


def names_at(model: type[BaseModel], location: Iterable[int | str]) -> list[str]:
    """The names of all settings in the table at `location`; none where it is no table, or one whose names are free."""
    found: Any = model
    for step in location:
        found = inside(found, step)
    found = _given(found)
    return list(found.model_fields) if _is_model(found) else []


def inside(annotation: Any, step: int | str) -> Any:
    """The type of what stands at `step` in a table or list of the type `annotation`. None: there is no such thing."""
    annotation = _given(annotation)
    if _is_model(annotation):
        field = annotation.model_fields.get(step)
        return field.annotation if field else None
    kind, arguments = get_origin(annotation), get_args(annotation)
    if kind is dict:
        return arguments[1]
    if kind is tuple and isinstance(step, int):
        return arguments[0]
    return _variants(annotation).get(step)


def _given(annotation: Any) -> Any:
    """What a setting that may be left out is where it is given: `X` of `X | None`."""
    if get_origin(annotation) not in {Union, UnionType}:
        return annotation
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    return kinds[0] if len(kinds) == 1 else annotation


def _variants(annotation: Any) -> dict[int | str, Any]:
    """The tables that a choice by `kind` consists of, by kind; empty for everything else."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) not in {Union, UnionType}:
        return {}
    tables = [model for model in get_args(annotation) if _is_model(model) and "kind" in model.model_fields]
    return {model.model_fields["kind"].default: model for model in tables}


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
