"""Makes a page, or a part of one, of a template and a view."""

from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup

from service.desk import files
from service.desk.times import Times
from service.model import Milliseconds
from service.reading import templating
from service.reading.language import Language

FOLDER: Final = Path(__file__).parent / "templates"


def render(template: str, *, language: Language, now: Milliseconds, **view: object) -> str:
    """The template in the file of this name, in the words of `language`. Everything in the view is escaped."""
    made = templating.environment(FOLDER).get_template(template)
    return made.render(
        say=language.say,
        many=Many(language),
        number=Number(language),
        times=Times(language, now),
        language=language,
        files=files.pin(),
        query=query,
        **view,
    )


def query(address: str, **values: object) -> str:
    """An address with what is given of these values in its query."""
    given = {name: value for name, value in values.items() if value not in (None, "", False)}
    return f"{address}?{urlencode(given)}" if given else address


class Many:
    """Says what goes with a number: `many("waiting", 3)` is the text `waiting.other`."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._number = Number(language)

    def __call__(self, name: str, number: int) -> Markup:
        category = self._language.cardinal(number)
        return self._language.say(f"{name}.{category}", number=self._number(number))


class Number:
    """Writes a number: `12,345`, `0.5`."""

    def __init__(self, language: Language) -> None:
        self._signs = str.maketrans({",": language.words["thousands"], ".": language.words["decimal"]})

    def __call__(self, number: float) -> str:
        written = f"{number:,}" if isinstance(number, int) else f"{number:,.6g}"
        return written.translate(self._signs)
