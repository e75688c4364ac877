"""Reads JSON that somebody else wrote (tokens, key sets, answers of the blog), more strictly than `json.loads` does."""

import json
import math
from typing import Any, NoReturn

from service.auth.login import is_clean

MAX_DEPTH = 32


def parse(raw: bytes) -> Any:
    """The value that `raw` holds.

    Raises ValueError for anything but one JSON value in UTF-8 (RFC 8259), and for what two readers may understand
    differently (RFC 7493): a member named twice, NaN and Infinity, numbers out of range, NUL and lone surrogates. Depth
    is bounded.
    """
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite
        )
    except RecursionError:
        raise ValueError("it nests too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON at character {error.pos}") from None
    _check_tree(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it names a member twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


def _check_tree(value: Any) -> None:
    """Look at every text and at the depth, without recursion."""
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        found, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise ValueError("it nests too deeply")
        if isinstance(found, str) and not is_clean(found):
            raise ValueError("a text holds NUL or half a character")
        if isinstance(found, dict):
            waiting.extend((name, depth) for name in found)
        if isinstance(found, dict | list):
            waiting.extend((member, depth + 1) for member in (found.values() if isinstance(found, dict) else found))
