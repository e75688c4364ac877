"""Reads JSON that somebody else wrote (bodies, tokens, answers of the blog), more strictly than `json.loads` does."""

import json
from collections.abc import Callable
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # the one that json itself falls back to
from typing import Any, NoReturn

MAX_DEPTH = 32
MAX_DIGITS = 4_000
LARGE_BYTES = 256 * 1024
"""Of more than this, the values are counted as they are made: three bytes can become sixty in memory, and json itself
lets no other thread run while it makes them."""
MAX_VALUES = 20_000


class NotJsonError(ValueError):
    """It is no JSON from somewhere on this line, the first is 1."""

    def __init__(self, mistake: json.JSONDecodeError) -> None:
        super().__init__(f"it is not JSON at character {mistake.pos}")
        self.line = mistake.lineno


def parse(raw: bytes) -> Any:
    """The value that `raw` holds, its numbers as Python reads them and its texts unchecked.

    Raises ValueError for anything but one JSON value in UTF-8 (RFC 8259), and for what two readers may understand
    differently (RFC 7493): a member named twice, NaN and Infinity. Depth is bounded.
    """
    try:
        value = (_DECODER if len(raw) <= LARGE_BYTES else _counting()).decode(raw.decode("utf-8"))
    except RecursionError:
        raise ValueError("it nests too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotJsonError(error) from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and depth(value) > MAX_DEPTH:
        raise ValueError("it nests too deeply")
    return value


def parse_clean(raw: bytes) -> Any:
    """The value that `raw` holds, where every text is clean and every number finite. Raises ValueError."""
    value = parse(raw)
    require_clean(value)
    return value


def require_clean(value: Any) -> None:
    """Raise ValueError where some text in a value is not clean, or some number not finite."""
    for found in _walk(value):
        if isinstance(found, str) and not is_clean(found):
            raise ValueError("a text holds NUL or half a character")
        if isinstance(found, float) and found in (float("inf"), float("-inf")):
            raise ValueError("a number is out of range")


def is_clean(text: str) -> bool:
    """Whether a human could read it: no NUL, no half of a surrogate pair."""
    try:
        return b"\0" not in text.encode("utf-8")
    except UnicodeEncodeError:
        return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it names a member twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _number(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("a number is too long")
    return int(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_number)


def _counting() -> json.JSONDecoder:
    """A decoder for one value, written in Python and therefore slower, that gives up after `MAX_VALUES`."""
    left = MAX_VALUES

    def counted(parse: Callable[..., Any]) -> Callable[..., Any]:
        def parse_and_count(*given: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise ValueError("it holds too many values")
            return parse(*given)

        return parse_and_count

    decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_number)
    for name in ("parse_object", "parse_array", "parse_string", "parse_int", "parse_float"):
        setattr(decoder, name, counted(getattr(decoder, name)))
    decoder.scan_once = py_make_scanner(decoder)  # type: ignore[attr-defined]
    return decoder


def _walk(value: Any) -> list[Any]:
    """Every value in `value`, names of members included, without recursion."""
    found = [value]
    for inner in found:  # grows while it is walked
        if isinstance(inner, dict):
            found.extend(inner)
            found.extend(inner.values())
        elif isinstance(inner, list):
            found.extend(inner)
    return found


def depth(value: Any) -> int:
    """How deeply arrays and objects nest, counted without recursion."""
    deepest, waiting = 0, [(value, 0)]
    while waiting:
        found, around = waiting.pop()
        if isinstance(found, dict | list):
            deepest = max(deepest, around + 1)
            inner = found.values() if isinstance(found, dict) else found
            waiting.extend((member, around + 1) for member in inner)
    return deepest
