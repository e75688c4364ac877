"""The embed's files as the service hands them out: joined, hashed and compressed once, when they are first asked for.

Called by `web`, `cli_embed` and `checkup`.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import brotli

from service.embed import joining

LANGUAGES: Final = ("ar", "de", "es", "fr")
"""What there is beside English, which is inside the script."""
SCRIPT, COUNT = "embed.js", "count.js"
"""What a page loads; and one that only says how many comments there are."""
PARTS: Final = ("later.js", "write.js")
"""What `embed.js` loads when it is wanted: the files name their reasons."""
VERSION: Final = "v1"
"""The contract's: what a page may rely on stays, for as long as this is the same."""


@dataclass(frozen=True, slots=True)
class File:
    """One file with its codings. `sha256` is in hexadecimal digits."""

    body: bytes
    media_type: str
    sha256: str
    codings: Mapping[str, bytes] = field(repr=False)

    def etag(self, coding: str) -> str:
        """The strong validator of the file in one coding (RFC 9110, 8.8.3)."""
        return f'"{self.sha256[:32]}-{coding}"' if coding in self.codings else f'"{self.sha256[:32]}"'

    @property
    def integrity(self) -> str:
        """What a tag says of it (Subresource Integrity)."""
        return f"sha384-{base64.b64encode(hashlib.sha384(self.body).digest()).decode()}"


@dataclass(frozen=True, slots=True)
class Bundle:
    """All files by name. `pin` is the part of an address that means these very files and no later ones."""

    files: Mapping[str, File]
    pin: str


@cache
def bundle() -> Bundle:
    """The embed of this version of the service."""
    later = {name: joining.join_part(name, SCRIPT) for name in PARTS}
    later |= {f"{language}.json": joining.read_source(f"words/{language}.json") for language in LANGUAGES}
    hashes = json.dumps({name.rpartition(".")[0]: _sha256(text) for name, text in later.items()})

    def read(name: str) -> str:
        return hashes if name == "hashes.json" else joining.read_source(name)

    texts = {name: joining.join(name, read) for name in (SCRIPT, COUNT)} | later
    files = {name: file_of(text, _media_type(name)) for name, text in texts.items()}
    return Bundle(files, files[SCRIPT].sha256[:16])


def _media_type(name: str) -> str:
    return "text/javascript" if name.endswith(".js") else "application/json"


def file_of(text: str, media_type: str) -> File:
    """A file with this text, compressed as well as can be."""
    body = text.encode()
    codings = {"br": brotli.compress(body, quality=11), "gzip": gzip.compress(body, compresslevel=9, mtime=0)}
    return File(body, f"{media_type}; charset=utf-8", hashlib.sha256(body).hexdigest(), codings)


def _sha256(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
