"""How the files of a post are called: never outside their folder, never two posts by one name, on any file system."""

import hashlib
import re
from typing import Final
from urllib.parse import quote

from service.model import PostKey

LONGEST: Final = 100
"""Bytes of a readable name; with its ending it fits everywhere (255)."""
# What Windows takes for devices, with any ending; our own index; and what begins with a dot, which hides or leads away.
_TAKEN: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$|index)(\..*)?|\..*", re.DOTALL)


def name_of(post: PostKey) -> str:
    """A name without its ending: the key, percent-encoded, where that is short and safe, else `=` and a hash of it.

    Keys that differ only in upper and lower case would be one file on some disks, so a key with capitals has a hash.
    `=` is in no readable name: there it is encoded.
    """
    encoded = quote(post, safe="")
    if len(encoded) <= LONGEST and post == post.lower() and not _TAKEN.fullmatch(encoded.lower()):
        return encoded
    return f"={hashlib.blake2b(post.encode(), digest_size=16).hexdigest()}"
