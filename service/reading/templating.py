"""The templates of this room: everything is escaped, and what no document can hold is replaced, wherever it stands.

Braces are escaped as well, since a fragment is often included by another template: nobody's words are in its language.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markupsafe import Markup, escape

from service.reading.address import web_address
from service.text import visible

if TYPE_CHECKING:
    from jinja2 import Environment, Template

FOLDER: Final = Path(__file__).parent / "templates"


def writable(value: object) -> object:
    """`value` as markup, with U+FFFD for each character that a document cannot hold."""
    if not isinstance(value, str):
        return value
    written = visible.writable(escape(value))
    return Markup(written.replace("{", "&#123;"))  # noqa: S704  # escaped, or markup before


def template(name: str) -> "Template":
    """The template in the file of this name."""
    return environment(FOLDER).get_template(name)


@cache
def environment(folder: Path) -> "Environment":
    """The templates in a folder, made ready once: `desk` has some of its own."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # 3 MiB that a site needs only for HTML and Atom

    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=writable,
    )
    made.globals["web_address"] = web_address
    return made
