"""A page of what readers see, as bytes: made once, compressed once for each coding that somebody asks for."""

import asyncio
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import brotli

from service.model import PostKey, SiteKey
from service.store.database import Transaction

IDENTITY: Final = "identity"
WORTH_COMPRESSING = 512
"""Bytes under which a compressed page is no smaller on the wire: it goes in one packet either way."""
OVERHEAD = 1_200
"""What a page takes in memory beside its bytes and its key, with its place in `pages`."""
CODING_OVERHEAD = 250
"""What a coding takes beside its bytes."""
CODERS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=5),
    "gzip": lambda body: gzip.compress(body, compresslevel=6, mtime=0),
}
"""Best first. What is prepared once may cost something; brotli's higher levels cost more than they save."""

HTML_RANGES = ("text/html", "text/*", "*/*")
JSON_RANGES = ("application/json", "application/*", "*/*")

PageScope = tuple[SiteKey, PostKey | None]
"""What a page is about: a post, or the whole site."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a `Build` returns: the bytes, the revision that they show, and the cursor of the next page."""

    body: bytes
    revision: int
    media_type: str = "application/json; charset=utf-8"
    next: str | None = None


Build = Callable[[Transaction], Content]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A page in one content coding, with its strong validator (RFC 9110, 8.8.3)."""

    body: bytes
    etag: str
    coding: str


class PreparedPage:
    """A page and its codings. `size` is what it takes in memory, in bytes; `grew` is told of every growth."""

    __slots__ = ("_coding", "_codings", "grew", "media_type", "next", "revision", "size")

    def __init__(self, content: Content) -> None:
        self.size = OVERHEAD + len(content.body)
        self.grew: Callable[[int], None] = nobody
        self.revision = content.revision
        self.media_type = content.media_type
        self.next = content.next
        digest = hashlib.blake2b(content.body, digest_size=16).hexdigest()
        self._codings: dict[str, Encoded] = {IDENTITY: Encoded(content.body, f'"{digest}"', IDENTITY)}
        self._coding: dict[str, asyncio.Task[Encoded]] = {}

    def ready(self, coding: str) -> Encoded | None:
        """The page in this coding, if it has been made."""
        return self._codings.get(coding)

    async def encoded(self, coding: str) -> Encoded:
        """The page in this coding; made once, on another thread, however many ask for it meanwhile."""
        found = self._codings.get(coding)
        if found is not None:
            return found
        if coding not in self._coding:
            self._coding[coding] = asyncio.create_task(self._encode(coding), name="compress a page")
        return await asyncio.shield(self._coding[coding])

    async def _encode(self, coding: str) -> Encoded:
        plain = self._codings[IDENTITY]
        try:
            if len(plain.body) < WORTH_COMPRESSING:
                made = plain
            else:
                body = await asyncio.to_thread(CODERS[coding], plain.body)
                made = Encoded(body, f'{plain.etag[:-1]}-{coding}"', coding)
                more = len(body) + CODING_OVERHEAD
                self.size += more
                self.grew(more)
            self._codings[coding] = made
        finally:
            del self._coding[coding]  # after a failure too: the next one who asks tries again
        return made


def nobody(_: int) -> None:
    """Stands in for `grew` while the page is in no memory."""


@lru_cache(maxsize=128)  # whole headers, which may be long
def coding_for(accepted: str | None) -> str:
    """The best of our codings that `Accept-Encoding` allows (RFC 9110, 12.5.3); the plain bytes otherwise.

    What cannot be read is not asked for. Plain bytes are given even to `identity;q=0`: better than no reply.
    """
    if not accepted:
        return IDENTITY
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        weights[name] = _weight(parameters)
    best = max(CODERS, key=lambda coding: weights.get(coding, weights.get("*", 0.0)))
    weight = weights.get(best, weights.get("*", 0.0))
    return best if weight > 0 and weight >= weights.get(IDENTITY, 0.0) else IDENTITY


class Format(StrEnum):
    """In which ways a post's list can be shown at one address."""

    JSON = "json"
    HTML = "html"


@lru_cache(maxsize=128)  # whole headers, which may be long
def format_for(accepted: str | None) -> Format:
    """What `Accept` prefers (RFC 9110, 12.5.1): HTML only where it weighs more than JSON.

    The most specific range counts for each of the two. Who asks for neither gets JSON: better than no reply.
    """
    if not accepted:
        return Format.JSON
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        weights[name] = max(_weight(parameters), weights.get(name, 0.0))
    as_html, as_json = (
        next((weights[name] for name in ranges if name in weights), 0.0) for ranges in (HTML_RANGES, JSON_RANGES)
    )
    return Format.HTML if as_html > as_json else Format.JSON


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
