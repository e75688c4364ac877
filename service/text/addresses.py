"""Where an address in running text ends: in front of the punctuation of the sentence that it stands in.

An address may hold letters of any script (`https://ja.wikipedia.org/wiki/日本`), and where a script writes no spaces it
is glued to what follows (`https://example.org/a。谢谢`). Each character is judged as Unicode proposes (UTS #58,
Link_Term): it belongs to an address anywhere, or only where more of the address follows, or it opens or closes a
bracket, or it ends the address.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final, Literal

from service.text.visible import INVISIBLE, NONCHARACTERS

PLAIN: Final = re.compile(
    r"http(?<![^ \n(]http)s?://(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]+(?:/(?:[0-9A-Za-z_\-./?=#+]*[0-9A-Za-z/])?)?"
    r"(?=[.,;:!?)]*(?:[ \n]|\Z))"
)
"""An address that leads where it says, with nothing to encode or escape, and ends without a doubt."""
REL: Final = "nofollow ugc noopener"
"""What every link says of itself."""

# Letters, digits and hyphens of any script, told apart below. No user names and passwords: they disguise a host.
_HOST: Final = re.compile(r"(?![.\-_])[0-9A-Za-z.\-_\u00a1-\U0010ffff]+(?::[0-9]{1,5}(?![0-9]))?")
_USER: Final = re.compile(r"[^\s/?#<>@]*@")
_MAILBOX: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+\-_]{0,63}@")
_PART: Final = re.compile(
    r"[0-9A-Za-z]+|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][0-9A-Za-z]{1,31});|.", re.DOTALL
)
"""Letters and digits, which never end an address; one character, whatever it is written with."""
_AMPERSAND: Final = "&amp;"
_NO_CHARACTER: Final = re.compile(f"[{NONCHARACTERS}]")

_Kind = Literal["address", "within", "opens", "closes", "ends"]
_BRACKETS: Final = {"(": ")", "[": "]", "{": "}"}
_ENDS: Final = frozenset('"<>\\^`')
_ENDS_TOO: Final = frozenset(
    "\uff5c\ufffc\u226a\u226b\u275b\u275c\u275d\u275e\u275f\u2760\U0001f676\U0001f677\U0001f678"
)
"""Symbols for Unicode, bars, brackets and quotes for people: the wide bar, `≪≫`, ornamental quotes."""
_WITHIN: Final = frozenset("!'*,.:;?|~")
# Punctuation and joiners that words of some scripts have inside: middle dot, Armenian's marks, Hebrew's maqaf, geresh
# and gershayim, Tibetan's tsheg, the joiners of Persian and Indic, hyphens, en dash, apostrophe.
_WITHIN_WORDS: Final = frozenset(
    "\u00b7\u055a\u055b\u055c\u055e\u05be\u05f3\u05f4\u0f0b\u200c\u200d\u2010\u2011\u2013\u2019\u2027"
)
_WITHIN_CJK: Final = frozenset("\u301c\u30fb\uff5e")
_WITHIN_HOSTS: Final = frozenset("\u00b7\u05f3\u05f4\u200c\u200d\u30fb")
"""Of these, what a name of the DNS may hold (RFC 5892, appendix A). Symbols it may not; browsers take them."""
_ANOTHER: Final = re.compile(r"[,;|]+(?:https?://|mailto:)", re.IGNORECASE)
_GLUED: Final = frozenset("!*,;\u2019")
"""Before a letter of a script that writes no spaces, these end a phrase."""
_BETWEEN_SCRIPTS: Final = frozenset("'.?")
"""These do so where that script begins behind them, as does what words have inside: `/a.谢`, but not `/日.本`."""
_QUOTES: Final = {"'": "'", "\u2018": "\u2019", "*": "*", "~": "~", "|": "|"}
"""What may enclose a whole address, although an address may hold it."""


def end_of(text: str, start: int, scheme: str) -> int:
    """Where the address ends that begins at `start` with `scheme` and a colon; `start` itself where there is none."""
    rest = start + len(scheme) + 1
    if scheme.lower() == "mailto":
        mailbox = _MAILBOX.match(text, rest)
        host = _HOST.match(text, mailbox.end()) if mailbox else None
        stop = host.end() if host else start
    else:
        host = _HOST.match(text, rest + 2) if text.startswith("//", rest) else None
        if host is None or _has_user(text, rest + 2):
            return start
        stop = len(text) if text[host.end() : host.end() + 1] in {"/", "?", "#"} else host.end()
    if host is None:
        return start
    closing_quote = _QUOTES.get(text[max(0, start - 1) : start])
    end = _end(text, host.start(), stop, host_end=min(host.end(), stop), closing_quote=closing_quote)
    return end if end > host.start() else start


def meant(address: str) -> str:
    """The address that somebody meant who copied it with its ampersands escaped."""
    return address.replace(_AMPERSAND, "&")


def _has_user(text: str, start: int) -> bool:
    """Whether a user is named before the host, and not a mailbox behind the end of the address."""
    user = _USER.match(text, start)
    return (
        user is not None and not _ANOTHER.search(user[0]) and all(_kind(character) != "ends" for character in user[0])
    )


def _end(text: str, start: int, stop: int, *, host_end: int, closing_quote: str | None) -> int:
    end = start  # behind the last character that an address may end with, outside of brackets
    closing: list[str] = []
    for part in _PART.finditer(text, start, stop):
        position, character = part.start(), part[0][0]
        kind = _kind(character)
        if position < host_end:
            kind = _kind_in_host(character, kind, is_last="." not in text[position:host_end])
        if kind == "ends" or character == closing_quote:
            break
        if kind == "within" and not _goes_on(
            text[position - 1],
            character,
            text[position + 1 : min(position + 2, stop)],
            is_in_host=position < host_end,
        ):
            break
        if kind == "within" and _ANOTHER.match(text, position):
            break
        if kind == "opens":
            closing.append(_BRACKETS[character])
        elif kind == "closes" and (not closing or closing.pop() != character):
            break
        if character == "&" and part[0] not in {"&", _AMPERSAND}:
            break
        if closing and text.startswith("://", position):  # another address, and nobody closed the bracket
            break
        if kind != "within" and not closing:
            end = part.end()
    return _without_emphasis(text, start, end)


def _kind_in_host(character: str, kind: _Kind, *, is_last: bool) -> _Kind:
    """The same where a host is named. `is_last`: in the last of its parts, which holds no symbol anywhere."""
    if character in "-_":
        return "within"
    if not character.isascii() and kind == "within" and character not in _WITHIN_HOSTS:
        return "ends"
    return "ends" if is_last and not character.isascii() and unicodedata.category(character)[0] == "S" else kind


def _goes_on(before: str, character: str, after: str, *, is_in_host: bool) -> bool:
    """Whether an address may go on behind punctuation, seen from what stands on both sides of it."""
    if not after or (character == after == "*"):
        return False
    if not is_in_host and character in _WITHIN_WORDS | _BETWEEN_SCRIPTS and _begins_script(before, after):
        return before + character == "/?"  # a query
    if character in _WITHIN_CJK:
        return not before.isascii() and not after.isascii()
    if character in _GLUED:
        return after.isascii() or (character == "\u2019" and after.lower() != after.upper())
    return True


def _without_emphasis(text: str, start: int, end: int) -> int:
    """The end without underscores that close an emphasis which began before the address."""
    if text[end - 1] == "_" and re.search(r"(?:\A|\W)_", text[:start]):
        while text[end - 1] == "_":
            end -= 1
    return end


def _begins_script(before: str, after: str) -> bool:
    """Whether `after` is written in a script without capitals, as those without spaces are, and `before` is not."""
    return _is_uncased(after) and not _is_uncased(before)


def _is_uncased(letter: str) -> bool:
    return (
        not letter.isascii()
        and letter.lower() == letter.upper()
        and unicodedata.category(letter).startswith(("L", "M"))
    )


@lru_cache(maxsize=4096)
def _kind(character: str) -> _Kind:
    if character in _BRACKETS:
        return "opens"
    if character in ")]}":
        return "closes"
    if (
        character in _WITHIN
        or character in _WITHIN_WORDS
        or character in _WITHIN_CJK
        or "\ufe00" <= character <= "\ufe0f"
    ):
        return "within"
    plain = unicodedata.normalize("NFKC", character)[0]  # of wide and small forms; ´ is an accent on a space
    if character in _ENDS_TOO or plain in _ENDS or plain == " ":
        return "ends"
    if INVISIBLE.match(character) or _NO_CHARACTER.match(character):
        return "ends"
    category = unicodedata.category(character)
    if category in {"Zs", "Zl", "Zp", "Cc"} or (category.startswith("P") and not character.isascii()):
        return "ends"
    return "address"
