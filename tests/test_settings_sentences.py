"""No mistake in a configuration is answered in a library's words: every setting is tried with bad values."""

import math
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from service import settings
from service.auth.kinds import LoginSettings
from service.settings import Settings, SettingsError

JARGON = re.compile(
    r"[A-Z][a-z]+ should\b|after validation|valid (tuple|dictionary)|pydantic"
    r"|[Ll]iteral\[|\bunion\b|None|\bstr\b|\bint\b"
)
BAD: dict[str, Any] = {
    "nothing in it": "",
    "text": "not this",
    "text of odd characters": "\x00 ü\n",
    "long text": "x" * 100_000,
    "zero": 0,
    "negative": -1,
    "large": 10**12,
    "huge": 10**30,
    "fraction": 0.5,
    "not a number": math.nan,
    "infinite": math.inf,
    "true": True,
    "no list": {"a": 1},
    "empty list": [],
    "list of numbers": [1, 2],
    "list of texts": ["", "x y"],
    "long list": ["a"] * 1000,
    "two of the good": ["HS256", "HS384"],
    "everything": ["*"],
    "list of tables": [{"a": 1}, {"kind": "jwt"}, {"kind": "other"}],
    "list of lists": [[1]],
    "empty table": {},
    "table of tables": {"x": {"y": {}}},
}
KINDS: tuple[type[BaseModel], ...] = get_args(get_args(LoginSettings)[0])


def places(model: type[BaseModel], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every setting of a table and of the tables in it, as the names on the way."""
    for name, field in model.model_fields.items():
        yield (*before, name)
        for inner in tables_in(field.annotation):
            yield from places(inner, (*before, name))


def tables_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        if argument not in KINDS and argument is not LoginSettings:
            yield from tables_in(argument)


def with_value(place: tuple[str, ...], value: Any, *, login: str | None = None) -> dict[str, Any]:
    """A configuration with one value at a place; of a site or of a login where it is one of theirs."""
    found = value
    for name in reversed(place):
        found = {name: [found] if name == "keys" and found is not value else found}
    if login is not None:
        return {"sites": {"blog": {"name": "A blog", "login": [{"kind": login, **found}]}}}
    return {"sites": {"blog": found["sites"]}} if place[0] == "sites" and len(place) > 1 else found


def trials() -> Iterator[Any]:
    for place in places(Settings):
        yield pytest.param(place, None, id=".".join(place))
    for kind in KINDS:
        name = kind.model_fields["kind"].default
        for place in places(kind):
            yield pytest.param(place, name, id=f"{name}: {'.'.join(place)}")


@pytest.mark.parametrize(("place", "login"), list(trials()))
def test_no_sentence_speaks_of_python_types(place: tuple[str, ...], login: str | None) -> None:
    said = []
    for value in BAD.values():
        try:
            settings.parse(with_value(place, value, login=login))
        except SettingsError as mistake:
            said += str(mistake).splitlines()
    assert [line for line in said if JARGON.search(line)] == []
    assert said


@pytest.mark.parametrize(
    ("login", "lines"),
    [
        (
            {"kind": "jwt", "issuer": "i", "audience": "a", "algorithms": ["HS256", "RS256"]},
            ["algorithms: name one algorithm; for several use `keys`, a table for each"],
        ),
        (
            {"kind": "session", "url": "http://blog.example/", "cookies": ["*"]},
            ['cookies.0: name the cookies of the blog\'s session: "*" alone would hand over all of them'],
        ),
        (
            {"kind": "session", "url": "http://blog.example/", "cookies": []},
            ["cookies: must name at least 1"],
        ),
        (
            {"kind": "forwarded", "roles": {"moderater": []}},
            ["roles.moderater: is not a setting: remove it or correct its name (did you mean moderator?)"],
        ),
        (
            {"kind": "jwt", "issuer": "i", "audience": "a", "algorithms": ["HS25"]},
            [
                "algorithms.0: must be 'HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', "
                "'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA' or 'Ed25519'"
            ],
        ),
    ],
    ids=["two algorithms", "every cookie", "no cookie", "misspelt in a table that may be left out", "no algorithm"],
)
def test_one_mistake_is_one_line_that_says_what_to_write(login: dict[str, Any], lines: list[str]) -> None:
    with pytest.raises(SettingsError) as stop:
        settings.parse({"sites": {"blog": {"name": "A blog", "login": [login]}}})
    assert str(stop.value).splitlines() == [f"settings: sites.blog.login.0.{line}" for line in lines]
