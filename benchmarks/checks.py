"""What all checks of a text cost with ten lists of 2,000 words, on the worst texts: `python -m benchmarks.checks`.

Prints, for each kind of text of 10,000 characters, the processor time of one look in milliseconds: the least and the
median of some looks, rendering left out.

    --looks 20
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator

from typer import echo

from benchmarks.ruled import ASCII, LISTS, WORDS, entries
from benchmarks.ruled import word as _word
from service.store.arrivals import key_of
from service.text import folding, render
from service.triage import look, seen
from service.triage.lists.compiled import Compiled, Lists, compile_list
from service.triage.lists.entry import ListKind

CHARACTERS = 10_000
MIXED = "abcdeабвгдеж01345éüñ"
ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"


def main() -> None:
    """Look at each text some times, and print a line for each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--looks", type=int, default=20)
    looks = options.parse_args().looks
    chance = random.Random(1)  # noqa: S311 - the same words every time
    begun = time.process_time()
    made = [compile_list(f"list-{number}", ListKind.WORDS, entries(chance)) for number in range(LISTS)]
    compiled = time.process_time()
    Lists(made)
    merged = time.process_time()
    echo(f"{LISTS} lists of {WORDS}: compiled in {_ms(compiled - begun)}, put together in {_ms(merged - compiled)}")
    for name, body in _texts(chance, made):
        text = seen.text_of(body, render.to_html(body))
        took = []
        for _ in range(looks):
            folding.folded.cache_clear()  # as if it came for the first time
            lists = Lists(made)  # which remember words
            started = time.process_time()
            again = seen.Text(text.body, text.plain, text.shown, text.links, lists)
            look.at_text(again)
            key_of(body)
            took.append(time.process_time() - started)
        echo(f"{name:24} least {_ms(min(took))}, median {_ms(statistics.median(took))}")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _texts(chance: random.Random, made: list[Compiled]) -> Iterator[tuple[str, str]]:
    values = [entry.value.removesuffix("*") for one in made for entry in one.entries]
    listed, phrases = [value for value in values if " " not in value], [value for value in values if " " in value]
    yield "words", _filled(lambda: _word(ASCII, chance, 2, 9) + " ")
    yield "disguised words", _filled(lambda: _word(MIXED, chance, 3, 9) + " ")
    yield "short disguised words", _filled(lambda: _word(MIXED, chance, 2, 2) + " ")
    yield "single letters", _filled(lambda: _word(MIXED, chance, 1, 1) + " ")
    yield "letters set apart", _filled(lambda: _word(ASCII, chance, 1, 1) + "-")
    yield "signs", _filled(lambda: _word(ASCII + "@$!1", chance, 2, 5) + chance.choice(" ."))
    yield "one long word", _filled(lambda: _word(MIXED, chance, 5, 5))
    yield "accents in heaps", _filled(lambda: "e" + "\u0301\u0302" * chance.randint(0, 9) + " ")
    yield "Chinese", _filled(lambda: chr(chance.randint(0x4E00, 0x9FFF)))
    yield "formulas", _filled(lambda: chr(chance.randint(0x1D400, 0x1D4FF)) + chance.choice(["", " "]))
    yield "links", _filled(lambda: f"https://{_word(ASCII, chance, 3, 6)}.example/ ")
    yield "references", _filled(lambda: f"&#{chance.randint(97, 122)};")
    yield "emphasis", _filled(lambda: f"**{_word(ASCII, chance, 1, 3)}**{_word(ASCII, chance, 1, 3)} ")
    yield "only accents", _filled(lambda: chr(chance.randint(0x300, 0x36F)))
    yield "only look-alikes", _filled(lambda: _word("аеорсухԁһіјѕ", chance, 2, 9) + " ")
    yield "look-alikes among ours", _filled(lambda: _word("abcdeаеорсухαορ", chance, 2, 9) + " ")
    yield "words of one letter", _filled(lambda: _word(ASCII, chance, 1, 1) + "\n")
    yield "letters spelt out", _filled(lambda: _word(ASCII, chance, 1, 1) + " ")
    yield "many small links", _filled(lambda: f"[{_word(ASCII, chance, 1, 1)}](//{_word(ASCII, chance, 2, 2)}.de)")
    yield "many hosts", _filled(lambda: f"http://{_word(ASCII, chance, 2, 2)}.{_word(ASCII, chance, 2, 2)} ")
    yield "hosts in other letters", _filled(lambda: f"http://{_word('аеорсу', chance, 3, 5)}.com ")
    yield "only separators", _filled(lambda: chance.choice("-._*~+=·•‐‑–"))
    yield "leet", _filled(lambda: _word("abe013457@$!", chance, 3, 9) + " ")
    yield "leet set apart", _filled(lambda: _word("abe013457@$!", chance, 1, 2) + chance.choice("-._ "))
    yield "Arabic", _filled(lambda: _word(ARABIC, chance, 2, 7) + " ")
    yield "Hebrew with points", _filled(lambda: _word("אבגדה", chance, 1, 1) + chance.choice(["\u05b0", "\u05b7 "]))
    yield "families", _filled(lambda: "\U0001f468\u200d\U0001f469\u200d\U0001f467" + chance.choice(["", " "]))
    yield "something invisible", _filled(lambda: _word(ASCII, chance, 1, 2) + chance.choice("\u200b\u00ad\u2060"))
    yield "one letter for ever", "a" * CHARACTERS
    yield "runs", _filled(lambda: _word(ASCII, chance, 1, 1) * chance.randint(3, 5))
    yield "letters as sentences", _filled(lambda: "\ufdfa" + chance.choice(["", " "]))
    yield "any letters", _filled(lambda: chr(chance.choice([*range(0xA1, 0xD7FF)])))
    yield "listed words", _filled(lambda: chance.choice(listed) + " ")
    yield "listed words in disguise", _filled(lambda: "-".join(chance.choice(listed)) + " ")
    yield "listed phrases", _filled(lambda: chance.choice(phrases) + " ")


def _filled(part: Callable[[], str]) -> str:
    parts: list[str] = []
    length = 0
    while length < CHARACTERS:
        parts.append(part())
        length += len(parts[-1])
    return "".join(parts)[:CHARACTERS]


if __name__ == "__main__":
    main()
