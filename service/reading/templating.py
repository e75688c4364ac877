"""The templates of this room: everything is escaped, and what no document can hold is replaced, wherever it stands.

Braces are escaped as well, since a fragment is often included by another template: nobody's words are in its language.
"""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from service.reading.address import web_address
from service.text import visible

FOLDER: Final = Path(__file__).parent / "templates"


def writable(value: object) -> object:
    """`value` as markup, with U+FFFD for each character that a document cannot hold."""
    if not isinstance(value, str):
        return value
    written = visible.writable(escape(value))
    return Markup(written.replace("{", "&#123;"))  # noqa: S704  # escaped, or markup before


TEMPLATES: Final = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    finalize=writable,
)
TEMPLATES.globals["web_address"] = web_address
