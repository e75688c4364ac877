"""Where a comment stands in its thread: one code for each level, so that texts sort as readers see the thread."""

from service.model import Milliseconds

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
CODE_LENGTH = 12
"""Characters of one level of a comment's path: nine for the time (milliseconds), three for the number on its post."""


def code(moment: Milliseconds, number: int) -> str:
    """The code of a comment of this moment, with this number on its post."""
    left, written = moment * 36**3 + number % 36**3, ""
    for _ in range(CODE_LENGTH // 2):
        left, pair = divmod(left, len(_PAIRS))
        written = _PAIRS[pair] + written
    return written


def stem(above: str, max_depth: int) -> str:
    """The path below which a reply goes to a comment with the path `above`. Beyond the deepest level replies stand side
    by side, by time. What replies to nothing has '' above it."""
    return above[: max_depth * CODE_LENGTH]
