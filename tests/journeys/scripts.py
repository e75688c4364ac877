"""Random texts in many scripts, each with what a reader must see of it. Called by `test_random_texts`."""

import random
import unicodedata
from dataclasses import dataclass

# Where the letters and marks of each are, what ends its sentences, and words that need invisible characters.
SCRIPTS = {
    "Latin": ((0x61, 0x17F), ".,!?;:…", ["cafe\u0301", "R&D", "naïve", "l’été"]),
    "Greek": ((0x391, 0x3CF), ".,;·", ["ψυχή"]),
    "Cyrillic": ((0x410, 0x45F), ".,!?", ["й", "подъезд"]),
    "Armenian": ((0x561, 0x586), "։,՝", ["և"]),
    "Georgian": ((0x10D0, 0x10F0), ".,!", ["ქართული"]),
    "Hebrew": ((0x5D0, 0x5EA), ".,!?", ["צה״ל", "C++\u200e", "שָׁלוֹם", "\u20661990-2005\u2069"]),
    "Arabic": ((0x621, 0x64A), "،؛؟.", ["می\u200cخواهم", "ئه\u200cرده\u200cلان", "\u200f12\u061c", "مُحَمَّد"]),
    "Devanagari": ((0x904, 0x939), "।॥,", ["क्\u200dष", "हिन्दी", "क्\u200cष"]),
    "Thai": ((0xE01, 0xE2E), "ฯ", ["น้ำ", "กรุงเทพฯ"]),
    "Ethiopic": ((0x1200, 0x1246), "።፣፤", ["ሰላም፡ልዑል"]),
    "Han": ((0x4E00, 0x9FA5), "。，、！？：；」』）】》", ["葛\U000e0100", "「漢字」", "（注）"]),
    "Kana": ((0x3041, 0x3096), "。、！？」", ["ダ・ヴィンチ", "が", "〜"]),
    "Hangul": ((0xAC00, 0xD7A3), ".,!?", ["\u1112\u1161\u11ab", "한글"]),
    "Emoji": (
        (0x1F600, 0x1F64F),
        "!?",
        [
            *("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f3f3\ufe0f\u200d\U0001f308", "1\ufe0f\u20e3"),
            *("\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "\U0001f1eb\U0001f1f7"),
        ],
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Text:
    """A source, what is seen of it without white space, and where its links lead as they were written."""

    source: str
    seen: str
    links: tuple[str, ...]


class Writer:
    """Writes the texts of one seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311

    def text(self, script: str) -> Text:
        """A few blocks of one script, with a word of another now and then."""
        blocks, seen, links = [], "", []
        for _ in range(self._chance.randint(1, 4)):
            lines = [self._line(script) for _ in range(self._chance.randint(1, 3))]
            seen += "".join(shown for _, shown, _ in lines)
            links += [link for _, _, found in lines for link in found]
            blocks.append(self._block([source for source, _, _ in lines]))
        return Text("\n\n".join(blocks), "".join(seen.split()), tuple(links))

    def name(self, script: str) -> str:
        """How somebody might be called."""
        return f"{self._word(script)} {self._word(script)}"

    def _block(self, lines: list[str]) -> str:
        match self._chance.randrange(6):
            case 0:
                return "> " + "\n> ".join(lines)
            case 1:
                return "- " + "\n- ".join(lines)
            case 2:
                return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))
            case 3:
                return "\n".join("#" * self._chance.randint(1, 6) + " " + line for line in lines)
            case 4:
                return "  \n".join(lines)
        return "\n".join(lines)

    def _line(self, script: str) -> tuple[str, str, list[str]]:
        pieces = [self._piece(script) for _ in range(self._chance.randint(1, 8))]
        sources, seen, links = zip(*pieces, strict=True)
        return " ".join(sources), "".join(seen), [link for link in links if link]

    def _piece(self, script: str) -> tuple[str, str, str]:
        """A source, what is seen of it, and the address that it leads to, if any."""
        word, end = self._word(script), self._chance.choice(SCRIPTS[script][1])
        address = self._chance.choice(
            ["https://example.org/", "https://example.org/a?b=c&d=", "http://bücher.example/"]
        )
        match self._chance.randrange(12):
            case 0:
                return f"**{word}**", word, ""
            case 1:
                return f"*{word}*", word, ""
            case 2:
                return f"`{word}<&>`{end}", f"{word}<&>{end}", ""
            case 3:
                return f"[{word}]({address})", word, address
            case 4:
                return f"{address}a{end}", f"{address}a{end}", f"{address}a"
            case 5:
                letter = self._letter(script)
                return f"{address}{letter}{end}", f"{address}{letter}{end}", f"{address}{letter}"
            case 6:
                return f"<b>{word}</b>", f"<b>{word}</b>", ""
            case 7:
                other = self._word(self._chance.choice(list(SCRIPTS)))
                return f"{word}{end} {other}", f"{word}{end}{other}", ""
        return f"{word}{end}", f"{word}{end}", ""

    def _word(self, script: str) -> str:
        if self._chance.random() < 0.2:
            return self._chance.choice(SCRIPTS[script][2])
        return "".join(self._letter(script) for _ in range(self._chance.randint(1, 9)))

    def _letter(self, script: str) -> str:
        first, last = SCRIPTS[script][0]
        while unicodedata.category(letter := chr(self._chance.randint(first, last)))[0] not in "LS":
            pass
        return letter
