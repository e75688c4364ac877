"""What making HTML of a text costs, in one process: `python -m benchmarks.rendering`.

Prints microseconds of each text (the least of several rounds, all texts in turns), how often that is prose, and beside
it what the CommonMark parser alone takes for the same text.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

from markdown_it import MarkdownIt
from typer import echo

from benchmarks.driver import PROSE
from service.text import render

TEXTS = {
    "prose": f"A {PROSE}. And really, that was all: run 17.",
    "marked": f"A {PROSE[:90]}, *really*, see https://blog.example/17. And {PROSE[90:]}: run 17.",
    "named link": f"A {PROSE[:90]}, see [the post](https://blog.example/17). And {PROSE[90:]}: run 17.",
    "quote": f"> A {PROSE[:90]}\n\nSee https://blog.example/17. And {PROSE[90:]}: run 17.",
    "list": f"- A {PROSE[:90]}\n- *really*\n- `code`\n\nAnd {PROSE[90:]}: run 17.",
}


def main() -> None:
    """Measure, and print a line for each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=30)
    rounds = options.parse_args().rounds
    parser = MarkdownIt()
    calls: dict[tuple[str, str], Callable[[], object]] = {}
    for name, text in TEXTS.items():
        calls[name, "ours"] = partial(render.to_html, text)
        calls[name, "parser"] = partial(parser.render, text)
    least = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for call in calls:
            least[call] = min(least[call], _microseconds(calls[call]))
    prose = least["prose", "ours"]
    for name in TEXTS:
        ours, alone = least[name, "ours"], least[name, "parser"]
        echo(f"{name:11} {ours:7.1f} us, {ours / prose:5.1f} of prose; the parser alone {alone:6.1f} us")


def _microseconds(call: Callable[[], object], times: int = 100) -> float:
    began = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - began) / times * 1e6


if __name__ == "__main__":
    main()
