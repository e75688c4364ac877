"""The style sheet, the script and the icon of the desk, hashed and compressed once."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from service.embed.bundle import File, file_of

FOLDER: Final = Path(__file__).parent / "static"
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "desk.css": "text/css",
    "desk.js": "text/javascript",
    "desk.svg": "image/svg+xml",
}


@cache
def all_of_them() -> Mapping[str, File]:
    """The files by name."""
    return {name: file_of((FOLDER / name).read_text("utf-8"), media_type) for name, media_type in MEDIA_TYPES.items()}


@cache
def pin() -> str:
    """The part of their addresses that means these very files and no later ones."""
    hashes = "".join(file.sha256 for file in all_of_them().values())
    return hashlib.sha256(hashes.encode()).hexdigest()[:16]
