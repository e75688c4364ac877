"""What a header says where it is more than ASCII: names and the like that a proxy hands on from another program.

Three ways of writing it are in use: UTF-8 as it is (oauth2-proxy, Authelia), encoded words (RFC 2047; Django beyond
Latin-1), and Latin-1 (Django within it). Different values may read the same, so this is for what is shown and not for
what tells people apart.
"""

import re
from base64 import b64decode
from email.quoprimime import header_decode
from itertools import groupby

WORD = r"=\?(utf-8|us-ascii|iso-8859-1)(?:\*[a-z0-9-]+)?\?([bq])\?([!->@-~]*)\?="
"""Charset, encoding and text of an encoded word. No other charsets: nobody needs them, and they read the same octets
differently."""
_WORD = re.compile(WORD, re.IGNORECASE | re.ASCII)
_RUN = re.compile(rf"(?<!\S){WORD}(?:\s+{WORD})*(?!\S)", re.IGNORECASE | re.ASCII)
"""Words that stand alone; white space between two of them is none of the text (RFC 2047, 5 and 6.2)."""


def readable(value: str) -> str:
    """The text that `value` stands for. What is written wrongly stays as it is, for whoever checks the text."""
    return _RUN.sub(lambda run: _decoded(run.group()), _characters(value))


def _characters(value: str) -> str:
    """`value`, or the same octets as Latin-1 where they are no UTF-8 (the server has made lone surrogates of them)."""
    try:
        value.encode()
    except UnicodeEncodeError:
        try:
            return value.encode("utf-8", "surrogateescape").decode("latin-1")
        except UnicodeEncodeError:
            return value
    return value


def _decoded(run: str) -> str:
    """The text of encoded words in a row. Neighbours of one charset are read together: some cut a character in two."""
    try:
        words = [(charset.lower(), _octets(encoding, text)) for charset, encoding, text in _WORD.findall(run)]
        return "".join(
            b"".join(octets for _, octets in neighbours).decode(charset)
            for charset, neighbours in groupby(words, key=lambda word: word[0])
        )
    except ValueError:
        return run


def _octets(encoding: str, text: str) -> bytes:
    """What a word encodes (RFC 2047, 4). Raises ValueError where it is not base64."""
    return b64decode(text, validate=True) if encoding in "bB" else header_decode(text).encode("latin-1")
