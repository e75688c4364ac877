"""The words of notices: one file for each language in `languages/`. `{name}` in a text stands for a value."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal

Code = Literal["en", "de"]
FOLDER: Final = Path(__file__).parent / "languages"


def say(language: Code, name: str, /, **values: object) -> str:
    """The text called `name` with these values in it."""
    return _words(language)[name].format_map(values)


def plural(number: int) -> str:
    """Which of two texts goes with a number. English and German have the same rule."""
    return "one" if number == 1 else "other"


@cache
def _words(language: Code) -> Mapping[str, str]:
    words: Mapping[str, str] = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    return words
