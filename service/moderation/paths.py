"""Where a comment stands in its thread: one code for each level, so that texts sort as readers see the thread."""

from service.model import Comment

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
CODE_LENGTH = 12
"""Characters of one level of a comment's path: nine for the time (milliseconds), three for the number on its post."""


def code(now: int, number: int) -> str:
    """The code of a comment that comes now, with this number on its post."""
    left, written = now * 36**3 + number % 36**3, ""
    for _ in range(CODE_LENGTH // 2):
        left, pair = divmod(left, len(_PAIRS))
        written = _PAIRS[pair] + written
    return written


def stem(parent: Comment | None, max_depth: int) -> str:
    """The path below which a reply goes. Beyond the deepest level replies stand side by side, by time."""
    return parent.path[: max_depth * CODE_LENGTH] if parent else ""
