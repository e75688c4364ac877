"""Makes a page, or a part of one, of a template and a view."""

from pathlib import Path
from typing import Final

from service.desk import files
from service.reading import templating
from service.reading.language import Language

FOLDER: Final = Path(__file__).parent / "templates"


def render(template: str, *, language: Language, **view: object) -> str:
    """The template in the file of this name, in the words of `language`. Everything in the view is escaped."""
    made = templating.environment(FOLDER).get_template(template)
    return made.render(say=language.say, language=language, files=files.pin(), **view)
