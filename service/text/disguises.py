"""Words in disguise: letters of other alphabets, digits and signs for letters, letters set apart.

A word is read in two ways. Its *plain* reading has neither accents nor differences of case. Its *skeleton* is what is
left once every disguise is off; different words can have one skeleton, so it is only asked about words that look
disguised.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from service.text import folding
from service.text.folding import MARKS
from service.text.visible import INVISIBLE


def _rows(table: str) -> dict[str, str]:
    """What letters are taken for, and which are."""
    return dict(row.split(":") for row in table.split())


_CYRILLIC: Final = _rows(
    "a:АаӘ b:ВвЬь c:Сс d:ԁ e:ЕеЗзЭєЄ g:ԍ h:НнҺһ i:Іі j:Јј k:Ккқ l:Ӏӏ m:Мм n:Пп o:ОоӨө p:Рр q:ԛ r:Гг "
    "s:Ѕѕ t:Тт u:Цц v:Ѵѵ w:ԝѡШш x:Хх y:УуЧчҮү"
)
_GREEK: Final = _rows("a:Αα b:Ββ c:ϲ e:Εε h:Η i:Ιι k:Κκ m:Μ n:Νη o:Οοσ p:Ρρ t:Ττ u:υμ v:ν w:ω x:Χχ y:Υγ z:Ζ")
# Small capitals and letters of phonetics, of Cherokee and of Armenian: nobody writes one of these among ours.
_ODD: Final = _rows(
    "a:ᴀɑꭺ b:ʙꮟ c:ᴄꮯ d:ᴅꭰ e:ᴇꭼ f:ꜰ g:ɡɢ h:ʜհ i:ɪɩ j:ᴊ k:ᴋ l:ʟ m:ᴍ n:ɴռ o:ᴏօ p:ᴘ r:ʀ s:ꜱ t:ᴛ u:ᴜս v:ᴠ w:ᴡ y:ʏ z:ᴢ"
)
_STROKES: Final = _rows("o:Øø l:Łł d:Đđ h:Ħħ t:Ŧŧ i:ı")
"""Letters with a stroke, which Unicode does not take apart into letter and accent."""
_SIGNS: Final = _rows("o:0 i:1!|l£ e:3€ a:4@ s:5$ t:7 b:8 g:9")


def _table(*rows: dict[str, str]) -> dict[int, str]:
    return {ord(letter): taken_for for row in rows for taken_for, some in row.items() for letter in some}


_TO_LATIN: Final = _table(_CYRILLIC, _GREEK, _ODD)
_STROKED: Final = _table(_STROKES)
_SIGN_LETTERS: Final = _table(_SIGNS)
_MARK: Final = re.compile(f"[{MARKS}]")


class _Letters(dict[int, str]):
    """What single characters are without accents, found out when one is met first. For `str.translate`."""

    def __missing__(self, code: int) -> str:
        bare = _MARK.sub("", unicodedata.normalize("NFKD", chr(code))).translate(_STROKED)
        self[code] = self.meant(unicodedata.normalize("NFKC", bare))
        return self[code]

    def meant(self, bare: str) -> str:
        return bare


class _Undisguised(_Letters):
    """The same, and what letters and signs stand for that only look like others."""

    def meant(self, bare: str) -> str:
        return bare.translate(_TO_LATIN).translate(_SIGN_LETTERS)


_BARE: Final = _Letters()
_UNDISGUISED: Final = _Undisguised()
_BLOCKS: Final = ("\u0400-\u052f", "\u0370-\u03ff")
# A letter of Cyrillic or Greek that looks like none of ours: whoever writes it writes that alphabet.
_OWN_LETTERS: Final = [
    re.compile(f"(?![{''.join(rows.values())}])[{block}]")
    for block, rows in zip(_BLOCKS, (_CYRILLIC, _GREEK), strict=True)
]
_BORROWED: Final = [re.compile(f"[{block}]") for block in _BLOCKS]
_AMONG_OURS: Final = [re.compile(f"[a-z][{block}]+[a-z]|[{block}][a-z]+[{block}]") for block in _BLOCKS]
_LOOKS_LATIN: Final = re.compile(rf"[\x00-\x7f{''.join(map(chr, _TO_LATIN))}]*")
_NO_ALPHABET: Final = re.compile(f"[{''.join(_ODD.values())}]")
_LATIN: Final = re.compile("[a-z]")
_SIGN: Final = re.compile("[0-9@$!|€£]")
_DIGIT: Final = re.compile("[0-9]")
_STYLED: Final = re.compile(r"[\u24b6-\u24e9\U0001d400-\U0001d7cb\U0001f130-\U0001f149]")
"""Letters that Unicode has for formulas and in circles and squares."""
_INSIDE: Final = re.compile(rf"(?<=[0-9A-Za-z]){INVISIBLE.pattern}+(?=[0-9A-Za-z])")
_LONG_RUN: Final = 3
_RUN: Final = re.compile(r"(.)\1{2,}")
LONGEST: Final = 120
"""A longer word is none that anybody would list, and is read as it stands."""
_ENOUGH: Final = 3
"""Letters of a word that say something about it: "μm" is no disguise."""


class Readings(NamedTuple):
    """What a word of a text can be meant as. `skeletons` is empty where nothing about it looks disguised."""

    plain: tuple[str, ...]
    skeletons: tuple[str, ...] = ()


def skeleton(word: str) -> str:
    """A folded word without any disguise."""
    return word.translate(_UNDISGUISED)


def own_alphabets(text: str) -> tuple[bool, ...]:
    """Whether a folded text is written in Cyrillic and in Greek, or borrows single letters of them only."""
    if text.isascii():
        return (False, False)
    has_latin = _LATIN.search(text) is not None
    return tuple(not has_latin or own.search(text) is not None for own in _OWN_LETTERS)


def readings(word: str, own: tuple[bool, ...]) -> Readings:
    """How a folded word can be read that stands in a text whose alphabets are `own`."""
    return Readings((word,)) if len(word) > LONGEST else _readings(word, own)


def is_plain(word: str) -> bool:
    """Whether a folded word surely has only one reading, itself: that is so of most, and found out at once."""
    return word.isascii() and word.isalpha() and (len(word) < _LONG_RUN or _RUN.search(word) is None)


def skeletons_of(words: Iterable[str]) -> list[str]:
    """The skeleton of each: of a thousand words at once in the time that some dozens take one by one."""
    return skeleton("\n".join(words)).split("\n")


@lru_cache(maxsize=16_384)
def _readings(word: str, own: tuple[bool, ...]) -> Readings:
    runs = _RUN.search(word) is not None
    if not runs and word.isascii() and word.isalpha():
        return Readings((word,))
    bare = word if word.isascii() else word.translate(_BARE)
    words = (bare, _RUN.sub(r"\1", bare), _RUN.sub(r"\1\1", bare)) if runs else (bare,)
    plain = words if bare == word else (word, *words)
    looks = _has_signs(bare) or (not bare.isascii() and (is_mixed(bare, own) or _is_borrowed(bare, own)))
    return Readings(plain, tuple(map(skeleton, words)) if looks else ())


def _has_signs(word: str) -> bool:
    """Whether digits or signs stand for letters: not in numbers, nor where more than half of it is digits."""
    if not _SIGN.search(word):
        return False
    letters_and_signs = _DIGIT.sub("", word)
    return 2 * len(letters_and_signs) >= len(word) and any(map(str.isalpha, letters_and_signs))


def is_mixed(word: str, own: tuple[bool, ...]) -> bool:
    """Whether letters of another alphabet stand among ours. Where the text is written in that alphabet, a word may
    begin in one and end in the other (`iPhoneов`)."""
    if len(word) < _ENOUGH or not _LATIN.search(word):
        return False
    return _NO_ALPHABET.search(word) is not None or any(
        borrowed.search(word) and (not is_own or among.search(word))
        for is_own, borrowed, among in zip(own, _BORROWED, _AMONG_OURS, strict=True)
    )


def _is_borrowed(word: str, own: tuple[bool, ...]) -> bool:
    """Whether a word is made of look-alikes alone, in a text that is not written in their alphabet."""
    if not _LOOKS_LATIN.fullmatch(word):
        return False
    return not any(is_own and borrowed.search(word) for is_own, borrowed in zip(own, _BORROWED, strict=True))


def taken_for(word: str) -> str:
    """What a reader takes a folded word for whose letters look like ours."""
    return word.translate(_BARE).translate(_TO_LATIN)


def imitates(word: str) -> bool:
    """Whether a folded word passes for one in our letters: by look-alikes among them, or by nothing else."""
    none_own = (False,) * len(_BLOCKS)
    bare = word.translate(_BARE)
    return not bare.isascii() and (is_mixed(bare, none_own) or _is_borrowed(bare, none_own))


def hidden_places(body: str) -> list[tuple[int, int]]:
    """Where a text hides invisible characters inside words. A soft hyphen is no disguise."""
    if body.isascii():
        return []
    return [hidden.span() for hidden in _INSIDE.finditer(body) if hidden[0].strip("\u00ad")]


def has_styled(body: str) -> bool:
    """Whether a text has any letter that is made for formulas."""
    return _STYLED.search(body) is not None


def is_styled(written: str) -> bool:
    """Whether a word as it was written has letters that are made for formulas."""
    return len(_STYLED.findall(written)) >= _ENOUGH


def keyed(text: str) -> str:
    """The letters of a text and nothing else, without any disguise: texts are equal that differ in nothing else."""
    return "".join(filter(str.isalpha, folding.folded(text).text)).translate(_UNDISGUISED)
