"""Words in disguise: letters of other alphabets, digits and signs for letters, letters set apart.

A word is read in two ways. Its *plain* reading has neither accents nor differences of case. Its *skeleton* is what is
left once every disguise is off; different words can have one skeleton, so it is only asked about words that look
disguised.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from typing import Final, NamedTuple

from service.text import folding
from service.text.folding import MARKS
from service.text.letters import Letters, each_of
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


def _without_accents(letters: str) -> str:
    bare = _MARK.sub("", unicodedata.normalize("NFKD", letters)).translate(_STROKED)
    return unicodedata.normalize("NFKC", bare)


def _without_disguise(letters: str) -> str:
    return _without_accents(letters).translate(_TO_LATIN).translate(_SIGN_LETTERS)


def _keys(letters: Sequence[str]) -> list[str]:
    meant = each_of(_without_disguise, letters)
    return [one if letter.isalpha() else "" for letter, one in zip(letters, meant, strict=True)]


_BARE: Final = Letters(partial(each_of, _without_accents))
_UNDISGUISED: Final = Letters(partial(each_of, _without_disguise))
_KEYS: Final = Letters(_keys)
_CODES: Final = (range(0x400, 0x530), range(0x370, 0x400))
_BLOCKS: Final = [f"{chr(codes[0])}-{chr(codes[-1])}" for codes in _CODES]
"""Cyrillic and Greek, for character classes."""
# A letter of Cyrillic or Greek that looks like none of ours: whoever writes it writes that alphabet.
_OWN_LETTERS: Final = [
    re.compile(f"[{''.join(set(map(chr, codes)).difference(*rows.values()))}]")
    for codes, rows in zip(_CODES, (_CYRILLIC, _GREEK), strict=True)
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
_FOREIGN: Final = re.compile(f"[{''.join(_BLOCKS)}{''.join(_ODD.values())}]")
_SIGN: Final = re.compile("[0-9@$!|€£]")
_DIGIT: Final = re.compile("[0-9]")
_STYLED: Final = re.compile(r"[\u24b6-\u24e9\U0001d400-\U0001d7cb\U0001f130-\U0001f149]")
"""Letters that Unicode has for formulas and in circles and squares."""
_INSIDE: Final = re.compile(rf"{INVISIBLE.pattern}(?<=[0-9A-Za-z].){INVISIBLE.pattern}*(?=[0-9A-Za-z])")
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


def other_forms(words: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Those of some folded words that have other forms: without accents, and without any disguise.

    All are found out at once: that takes a tenth of the time.
    """
    changed = {word: meant for word, meant in zip(words, skeletons(words), strict=True) if word != meant}
    return dict(zip(changed, zip(_each(_BARE, [*changed]), changed.values(), strict=True), strict=True))


def has_run(text: str) -> bool:
    """Whether one character stands there three times in a row: then a word has more readings than its forms."""
    return _RUN.search(text) is not None


def readings(words: Sequence[str], own: Own) -> dict[str, Readings]:
    """How each of some folded words can be read that stand in a text whose alphabets are `own`."""
    has_runs, forms = has_run("\n".join(words)), other_forms(words)
    found = {}
    for word in words:
        one, meant = forms.get(word, (word, word))
        if len(word) > LONGEST:
            found[word] = Readings((word,), (), (meant,))
            continue
        if not has_runs and word.isascii() and word.isalpha():
            found[word] = Readings((word,), (), (meant,))
            continue
        spelt: tuple[str, ...] = (one,)
        meanings: tuple[str, ...] = (meant,)
        if has_runs and _RUN.search(word):
            spelt = (one, _RUN.sub(r"\1", one), _RUN.sub(r"\1\1", one))
            meanings = tuple(dict.fromkeys(skeletons(spelt)))
        is_disguised = not (word.isalpha() and word.isascii()) and _looks_disguised(one, own)
        found[word] = Readings(spelt if one == word else (word, *spelt), meanings if is_disguised else (), meanings)
    return found


def skeletons(words: Sequence[str]) -> list[str]:
    """The skeleton of each of some folded words: what it is without any disguise."""
    return _each(_UNDISGUISED, words)


def _each(letters: Letters, words: Sequence[str]) -> list[str]:
    return letters.of("\n".join(words)).split("\n") if words else []


def _looks_disguised(bare: str, own: Own) -> bool:
    if _SIGN.search(bare) and _has_signs(bare):
        return True
    return not bare.isascii() and (is_mixed(bare, own) or _is_borrowed(bare, own))


def _has_signs(word: str) -> bool:
    """Whether digits or signs stand for letters: not in numbers, nor where more than half of it is digits."""
    letters_and_signs = _DIGIT.sub("", word)
    return 2 * len(letters_and_signs) >= len(word) and any(map(str.isalpha, letters_and_signs))


def may_be_mixed(text: str) -> bool:
    """Whether a folded text has letters of ours and of others: else none of its words is mixed."""
    return not text.isascii() and _FOREIGN.search(text) is not None and _LATIN.search(text) is not None


def is_mixed(word: str, own: Own) -> bool:
    """Whether letters of another alphabet stand among ours. Where the text is written in that alphabet, a word may
    begin in one and end in the other (`iPhoneов`)."""
    return len(word) >= _ENOUGH and _LATIN.search(word) is not None and _MIXED[own].search(word) is not None


def _is_borrowed(word: str, own: Own) -> bool:
    """Whether a word is made of look-alikes alone, in a text that is not written in their alphabet."""
    return _LOOKS_LATIN.fullmatch(word) is not None and _OF_OWN[own].search(word) is None


def taken_for(word: str) -> str:
    """What a reader takes a folded word for whose letters look like ours."""
    return _BARE.of(word).translate(_TO_LATIN)


def imitates(word: str) -> bool:
    """Whether a folded word passes for one in our letters: by look-alikes among them, or by nothing else."""
    bare = _BARE.of(word)
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
    return _KEYS.of(folding.folded(text).text).replace("\n", "")
