"""Words in disguise: letters of other alphabets, digits and signs for letters, letters set apart.

A word is read in two ways. Its *plain* reading has neither accents nor differences of case. Its *skeleton* is what is
left once every disguise is off; different words can have one skeleton, so it is only asked about words that look
disguised.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final, NamedTuple

from service.text import folding
from service.text.folding import MARKS, MOST_LETTERS
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
        if len(self) >= MOST_LETTERS:
            self.clear()
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
_BORROWED: Final = [f"[{block}]" for block in _BLOCKS]
_AMONG_OURS: Final = [f"[a-z][{block}]+[a-z]|[{block}][a-z]+[{block}]" for block in _BLOCKS]
_LOOKS_LATIN: Final = re.compile(rf"[\x00-\x7f{''.join(map(chr, _TO_LATIN))}]*")
_NO_ALPHABET: Final = f"[{''.join(_ODD.values())}]"
Own = tuple[bool, ...]
"""Whether a text is written in each of these alphabets."""
_NONE_OWN: Final[Own] = (False,) * len(_BLOCKS)
_OWN: Final[list[Own]] = list(product((False, True), repeat=len(_BLOCKS)))


def _of_each(own: Own, if_own: list[str], if_not: list[str]) -> list[str]:
    return [one if is_own else other for is_own, one, other in zip(own, if_own, if_not, strict=True)]


_NEVER: Final = "(?!)"
_MIXED: Final = {own: re.compile("|".join([_NO_ALPHABET, *_of_each(own, _AMONG_OURS, _BORROWED)])) for own in _OWN}
_OF_OWN: Final = {own: re.compile("|".join(_of_each(own, _BORROWED, [_NEVER] * len(_BLOCKS)))) for own in _OWN}
_LATIN: Final = re.compile("[a-z]")
_SIGN: Final = re.compile("[0-9@$!|€£]")
_DIGIT: Final = re.compile("[0-9]")
_STYLED: Final = re.compile(r"[\u24b6-\u24e9\U0001d400-\U0001d7cb\U0001f130-\U0001f149]")
"""Letters that Unicode has for formulas and in circles and squares."""
_INSIDE: Final = re.compile(rf"(?<=[0-9A-Za-z]){INVISIBLE.pattern}+(?=[0-9A-Za-z])")
_RUN: Final = re.compile(r"(.)\1{2,}")
LONGEST: Final = 120
"""A longer word is none that anybody would list, and is read as it stands."""
_ENOUGH: Final = 3
"""Letters of a word that say something about it: "μm" is no disguise."""


class Readings(NamedTuple):
    """What a word of a text can be meant as. `undisguised` are its skeletons; it is read as these too (`skeletons`)
    where something about it looks disguised."""

    plain: tuple[str, ...]
    skeletons: tuple[str, ...]
    undisguised: tuple[str, ...]


def own_alphabets(text: str) -> Own:
    """Whether a folded text is written in Cyrillic and in Greek, or borrows single letters of them only."""
    if text.isascii():
        return _NONE_OWN
    has_latin = _LATIN.search(text) is not None
    return tuple(not has_latin or own.search(text) is not None for own in _OWN_LETTERS)


Forms = tuple[str, str, str]
"""A folded word as it stands, without accents, and without any disguise."""


def forms(words: Iterable[str]) -> list[Forms]:
    """The forms of each of some folded words, looked up for all of them at once: that takes a third of the time."""
    some = list(words)
    bare = _translated(some, _BARE)
    return list(zip(some, bare, _translated(bare, _UNDISGUISED), strict=True))


def has_run(text: str) -> bool:
    """Whether one character stands there three times in a row: then a word has more readings than its forms."""
    return _RUN.search(text) is not None


def readings(words: Iterable[str], own: Own) -> dict[str, Readings]:
    """How each of some folded words can be read that stand in a text whose alphabets are `own`."""
    some = forms(words)
    has_runs = has_run("\n".join(word for word, _, _ in some))
    found = {}
    for word, one, meant in some:
        if len(word) > LONGEST:
            found[word] = Readings((word,), (), (meant,))
            continue
        spelt: tuple[str, ...] = (one,)
        meanings: tuple[str, ...] = (meant,)
        if has_runs and _RUN.search(word):
            spelt = (one, _RUN.sub(r"\1", one), _RUN.sub(r"\1\1", one))
            meanings = tuple(skeletons(spelt))
        is_disguised = not (word.isalpha() and word.isascii()) and _looks_disguised(one, own)
        found[word] = Readings(spelt if one == word else (word, *spelt), meanings if is_disguised else (), meanings)
    return found


def skeletons(words: Iterable[str]) -> list[str]:
    """The skeleton of each of some folded words: what it is without any disguise."""
    return _translated(words, _UNDISGUISED)


def _translated(words: Iterable[str], table: dict[int, str]) -> list[str]:
    some = list(words)
    return "\n".join(some).translate(table).split("\n") if some else []


def _looks_disguised(bare: str, own: Own) -> bool:
    if _SIGN.search(bare) and _has_signs(bare):
        return True
    return not bare.isascii() and (is_mixed(bare, own) or _is_borrowed(bare, own))


def _has_signs(word: str) -> bool:
    """Whether digits or signs stand for letters: not in numbers, nor where more than half of it is digits."""
    letters_and_signs = _DIGIT.sub("", word)
    return 2 * len(letters_and_signs) >= len(word) and any(map(str.isalpha, letters_and_signs))


def is_mixed(word: str, own: Own) -> bool:
    """Whether letters of another alphabet stand among ours. Where the text is written in that alphabet, a word may
    begin in one and end in the other (`iPhoneов`)."""
    return len(word) >= _ENOUGH and _LATIN.search(word) is not None and _MIXED[own].search(word) is not None


def _is_borrowed(word: str, own: Own) -> bool:
    """Whether a word is made of look-alikes alone, in a text that is not written in their alphabet."""
    return _LOOKS_LATIN.fullmatch(word) is not None and _OF_OWN[own].search(word) is None


def taken_for(word: str) -> str:
    """What a reader takes a folded word for whose letters look like ours."""
    return word.translate(_BARE).translate(_TO_LATIN)


def imitates(word: str) -> bool:
    """Whether a folded word passes for one in our letters: by look-alikes among them, or by nothing else."""
    bare = word.translate(_BARE)
    return not bare.isascii() and (is_mixed(bare, _NONE_OWN) or _is_borrowed(bare, _NONE_OWN))


def hidden_places(body: str) -> Iterator[tuple[int, int]]:
    """Where a text hides invisible characters inside words, in order. A soft hyphen is no disguise."""
    if not body.isascii():
        yield from (hidden.span() for hidden in _INSIDE.finditer(body) if hidden[0].strip("\u00ad"))


def has_styled(body: str) -> bool:
    """Whether a text has any letter that is made for formulas."""
    return _STYLED.search(body) is not None


def is_styled(written: str) -> bool:
    """Whether a word as it was written has letters that are made for formulas."""
    return len(_STYLED.findall(written)) >= _ENOUGH


def keyed(text: str) -> str:
    """The letters of a text and nothing else, without any disguise: texts are equal that differ in nothing else."""
    return "".join(filter(str.isalpha, folding.folded(text).text)).translate(_UNDISGUISED)
