"""What stands between a mark and the one that closes it (`<pre>...</pre>`), in one pass, however many stay open."""

import re
from collections.abc import Callable


def changed(
    text: str,
    opening: re.Pattern[str],
    closing: str,
    made: Callable[[str, str], str],
    *,
    between: Callable[[str], str] = str,
) -> str:
    """`text` with what is `made` of each pair, of all of it and of what is inside, and of what stands `between` pairs.

    `closing` is a pattern, in which `{}` stands for the first group of `opening`. It is looked for once behind each
    opening and, where it is nowhere, not again: a lazy `.*?` would go to the end of the text for each that stays open.
    """
    pieces: list[str] = []
    nowhere: set[str] = set()
    done = at = 0
    while begin := opening.search(text, at):
        wanted = closing.format(*map(str.lower, begin.groups()))
        at = begin.end()
        end = None if wanted in nowhere else re.compile(wanted, re.IGNORECASE).search(text, at)
        if end is None:
            nowhere.add(wanted)
            continue
        whole, inside = text[begin.start() : end.end()], text[begin.end() : end.start()]
        pieces += between(text[done : begin.start()]), made(whole, inside)
        done = at = end.end()
    return "".join((*pieces, between(text[done:])))
