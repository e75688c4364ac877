"""The templates of this room: everything is escaped, and what no document can hold is replaced, wherever it stands.

Braces are escaped as well, since a fragment is often included by another template: nobody's words are in its language.
"""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from service import visible

FOLDER: Final = Path(__file__).parent / "templates"


def writable(value: object) -> object:
    """`value` as markup, with U+FFFD for each character that a document cannot hold."""
    if not isinstance(value, str):
        return value
    written = visible.writable(escape(value))
    return Markup(written.replace("{", "&#123;"))  # noqa: S704  # escaped, or markup before


def web_address(text: str | None) -> str | None:
    """An address that a reader may follow: http or https with a host, no name or password; None for all else."""
    try:
        parts = urlsplit(text or "")
    except ValueError:
        return None
    return text if parts.scheme in {"http", "https"} and parts.netloc and "@" not in parts.netloc else None


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
