"""What a reader can see of a text: names, titles and HTML made clean, and whether anything shows at all.

Unicode has characters that show nothing. Some scripts and emoji need a few of them in certain places, where they change
how the characters beside them look (UAX #31, 2.3; UTS #51, 1.4; the core specification on Mongolian and Hangul).
Anywhere else they only make two texts look alike that are not, or show a text in another order than it is stored.
"""

import re
import unicodedata
from typing import Final

_PLANES: Final = range(0, 0x110000, 0x10000)
NONCHARACTERS: Final = "\ufdd0-\ufdef" + "".join(chr(plane + low) for plane in _PLANES for low in (0xFFFE, 0xFFFF))
"""For character classes: code points that no text has, and that HTML calls an error (13.2.3.5)."""

# Default_Ignorable_Code_Point (joiners, direction marks, fillers, variation selectors, tags), interlinear marks, and
# control characters that are not white space.
_IGNORABLE: Final = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
INVISIBLE: Final = re.compile(f"[{_IGNORABLE}]")
"""One character that shows nothing itself, wherever it stands."""
REPLACEMENT: Final = "\ufffd"
# What XML 1.0 (2.2) has no place for, even escaped, or HTML calls an error. Of the last range only noncharacters: named
# one by one, they would make each search several times as long.
_UNWRITABLE: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U0001fffe-\U0010ffff"
_PERHAPS_UNWRITABLE: Final = re.compile(f"[{_UNWRITABLE}]")

# Scripts whose letters join or stack: Arabic to Sinhala, Myanmar, Philippine to Mongolian, Limbu to Vedic, Phags-pa to
# Meetei, the Arabic forms, and the ancient and modern ones of the supplementary plane.
_JOINED: Final = (
    "\u0600-\u061b\u061d-\u0dff\u0f00-\u109f\u1700-\u180a\u1810-\u18af\u1900-\u1cff\ua840-\ua95f\ua980-\uabff"
    "\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff\U0001e900-\U0001e95f"
)
# Emoji and their parts. What else stands in these blocks joins nothing, so there is no harm in it.
_EMOJI: Final = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d"
    "\u3297\u3299\U0001f000-\U0001faff"
)
# What has other forms to choose from: symbols, Han and what is written beside it, Myanmar, Phags-pa.
_VARIED: Final = (
    rf"{_EMOJI}\u2010-\u2bff\u2e80-\ua48c\uf900-\ufaff\uff01-\uff9f\uffa1-\uffef\U00020000-\U0003fffd"
    r"\u1000-\u109f\uaa60-\uaa7f\ua840-\ua877"
)
_IN_PLACE: Final = "|".join(
    (
        rf"(?<=[{_JOINED}])\u200c(?=[{_JOINED}])",
        rf"(?<=[{_JOINED}])\u200d",
        rf"(?:(?<=[{_EMOJI}])|(?<=[{_EMOJI}]\ufe0f))\u200d(?=[{_EMOJI}])",
        r"(?<=\U0001f3f4)[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f",  # the flag of a region
        rf"(?<=[{_VARIED}])[\ufe00-\ufe0f\U000e0100-\U000e01ef]",
        r"(?<=[0-9#*])\ufe0f(?=\u20e3)",  # a keycap
        r"(?<=[\u1820-\u18aa])[\u180b-\u180d\u180f]?\u180e(?=[\u1820-\u18aa])",
        r"(?<=[\u1820-\u18aa])[\u180b-\u180d\u180f]\u200d?",
        r"\u115f(?=[\u1161-\u11a7])|(?<=[\u1100-\u115e\ua960-\ua97c])\u1160",  # a syllable without one of its halves
        r"(?<=[\u0300-\u036f\u0591-\u05c7])\u034f(?=[\u0300-\u036f\u0591-\u05c7])",  # between two accents
        r"(?<=[\U0001bc00-\U0001bc99])[\U0001bca0-\U0001bca3](?=[\U0001bc00-\U0001bc99])",  # shorthand
    )
)
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_DIRECTION_MARKS: Final = "\u061c\u200e\u200f"

# Two steps: what is never in place goes first, so that it hides no neighbour from the rest.
_NEVER: Final = re.compile(
    f"(?![{_DIRECTION_MARKS}\u034f\u115f\u1160\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U0001bca0-\U0001bca3"
    f"\U000e0030-\U000e0039\U000e0061-\U000e007a\U000e007f\U000e0100-\U000e01ef])[{_IGNORABLE}{NONCHARACTERS}]"
)
_NEEDED_OR_NOT: Final = re.compile(f"({_IN_PLACE})|(?![{_DIRECTION_MARKS}])[{_IGNORABLE}]")
_MARK: Final = re.compile(f"[{_DIRECTION_MARKS}]")

# They have a width and a category like letters and symbols, and show nothing: Braille's space, music's null notehead.
_BLANK: Final = "\u2800\U0001d159"
_BLANKS: Final = dict.fromkeys(map(ord, _BLANK), " ")


# Overrides, embeddings and what ends them, and the deprecated characters beside them, all of which show text in another
# order than it is stored; control characters and noncharacters. Marks and isolates stay: right-to-left text needs them.
_UNREADABLE: Final = re.compile(f"[\u202a-\u202e\u206a-\u206f{_UNWRITABLE}]")
_ISOLATE: Final = re.compile("[\u2066-\u2069]")
_ISOLATE_OR_BLOCK: Final = re.compile(r"[\u2066-\u2069]|</?(?:p|h[1-6]|pre|li|[uo]l|blockquote|hr)\b[^>]*>")
_ISOLATES_END: Final = "\u2069"


def clean_line(text: str) -> str:
    """`text` as one line for people to read, such as a name or a title; cleaning it again changes nothing.

    White space becomes single spaces. What shows nothing goes, unless its script or emoji needs it where it stands.
    Direction marks stay in a line with right-to-left letters; overrides, embeddings and isolates go, since they show
    text in another order than it is stored. The result is empty where nothing would show.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    line = " ".join(text.translate(_BLANKS).split())
    line = _NEEDED_OR_NOT.sub(r"\1", _NEVER.sub("", line))
    if not _RIGHT_TO_LEFT.search(line):
        line = _MARK.sub("", line)
    return "" if shows_nothing(line) else " ".join(line.split())


def shows_nothing(text: str) -> bool:
    """Whether a reader of `text` would see nothing: white space, invisible characters, accents on no letter."""
    return all(
        character.isspace()
        or character in _BLANK
        or unicodedata.category(character) in {"Mn", "Cc"}
        or INVISIBLE.match(character) is not None
        for character in text
    )


def writable(text: str) -> str:
    """`text` with U+FFFD for each character that no document of HTML or XML can hold."""
    return _PERHAPS_UNWRITABLE.sub(_written, text)


def _written(character: re.Match[str]) -> str:
    code = ord(character[0])
    return character[0] if code > 0xFFFF and code & 0xFFFE != 0xFFFE else REPLACEMENT


def readable(rendered: str) -> str:
    """HTML without what makes it read in another order than it is stored, and without what no HTML holds.

    To be called last, on what is shown: a character reference may have spelt any of it.
    """
    rendered = _UNREADABLE.sub(_in_place_of, rendered)
    return _with_closed_isolates(rendered) if _ISOLATE.search(rendered) else rendered


def _in_place_of(unreadable: re.Match[str]) -> str:
    character = unreadable[0]
    if character.isspace():
        return " "
    return "" if character <= "\uffff" and unicodedata.category(character) in {"Cc", "Cf"} else _written(unreadable)


def _with_closed_isolates(rendered: str) -> str:
    """Each isolate ends in its own block, and nothing ends one that began elsewhere."""
    opened = 0

    def closed(found: re.Match[str]) -> str:
        nonlocal opened
        if found[0] == _ISOLATES_END:
            opened -= 1
            if opened < 0:
                opened = 0
                return ""
            return _ISOLATES_END
        if len(found[0]) == 1:
            opened += 1
            return found[0]
        ends, opened = _ISOLATES_END * opened, 0
        return ends + found[0]

    return _ISOLATE_OR_BLOCK.sub(closed, rendered)
