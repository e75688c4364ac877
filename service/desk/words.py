"""In which words the desk speaks: one file for each language in `words/`, with the same names in each.

What goes with a number is there once for each plural category of its language, as in `reading/languages/`, whose names
of days and months are used here too. What is wrong with a policy comes as English messages: `words/policy/` says their
templates in other languages.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

from service.reading import language
from service.reading.language import Language
from service.triage.document.message import Message

Code = Literal["en", "de"]
CODES: Final[tuple[Code, ...]] = get_args(Code)
FOLDER: Final = Path(__file__).parent / "words"


@cache
def named(code: Code) -> Language:
    """The language with this code."""
    words: dict[str, str] = json.loads((FOLDER / f"{code}.json").read_text("utf-8"))
    known = language.named(code)
    return replace(known, words={**known.words, **words})


def told(message: Message, language: Language) -> str:
    """What is said of a place in a policy; in English where the language has no words for it."""
    templates = _templates(language.code)
    return message.said(lambda template: templates.get(template, template))


@cache
def _templates(code: str) -> dict[str, str]:
    file = FOLDER / "policy" / f"{code}.json"
    found: dict[str, str] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return found


def first_of(wanted: Iterable[str]) -> Language:
    """The first of these languages in which there are words; else English. `de-AT` is `de`."""
    for tag in wanted:
        primary = tag.strip().lower().partition("-")[0]
        for code in CODES:
            if code == primary:
                return named(code)
    return named("en")
