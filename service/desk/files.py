"""The style sheet, the script and the icon of the desk, hashed and compressed once.

A page loads one script at most: pages with cards `desk.js`, which is written as several modules and goes out as one
file, and the page of many decisions `bulk.js`.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from service.embed import joining
from service.embed.bundle import File, file_of

FOLDER: Final = Path(__file__).parent / "static"
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "desk.css": "text/css",
    "desk.js": "text/javascript",
    "bulk.js": "text/javascript",
    "desk.svg": "image/svg+xml",
}


@cache
def all_of_them() -> Mapping[str, File]:
    """The files by name."""
    texts = {name: joining.join(name, _read) if name.endswith(".js") else _read(name) for name in MEDIA_TYPES}
    return {name: file_of(text, MEDIA_TYPES[name]) for name, text in texts.items()}


@cache
def pin() -> str:
    """The part of their addresses that means these very files and no later ones."""
    hashes = "".join(file.sha256 for file in all_of_them().values())
    return hashlib.sha256(hashes.encode()).hexdigest()[:16]


def _read(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")
