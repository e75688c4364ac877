"""In which words the desk speaks: one file for each language in `words/`, with the same names in each.

What goes with a number is there once for each plural category of its language, as in `reading/languages/`, whose names
of days and months are used here too.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

from service.reading import language
from service.reading.language import Language

Code = Literal["en", "de"]
CODES: Final[tuple[Code, ...]] = get_args(Code)
FOLDER: Final = Path(__file__).parent / "words"


@cache
def named(code: Code) -> Language:
    """The language with this code."""
    words: dict[str, str] = json.loads((FOLDER / f"{code}.json").read_text("utf-8"))
    known = language.named(code)
    return replace(known, words={**known.words, **words})


def first_of(wanted: Iterable[str]) -> Language:
    """The first of these languages in which there are words; else English. `de-AT` is `de`."""
    for tag in wanted:
        primary = tag.strip().lower().partition("-")[0]
        for code in CODES:
            if code == primary:
                return named(code)
    return named("en")
