"""What the blog may call its posts, wherever a request names one: in its path, in a query.

A browser takes "." and ".." out of a path, written as `%2e` as well (WHATWG URL, 4.4): no address leads to such a post.
"""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from service.strict_json import is_clean

_LONGEST: Final = 512
_DOT_SEGMENTS: Final = frozenset({".", ".."})
SCHEMA: Final[dict[str, Any]] = {
    "minLength": 1,
    "maxLength": _LONGEST,
    "pattern": r"^([^.\u0000]|\.[^.\u0000]|\.\.[^\u0000])[^\u0000]*$",
}
"""The same for JSON Schema."""


def mistake_in(key: str) -> str | None:
    """What is wrong with a post's key; None for a good one."""
    if not 1 <= len(key) <= _LONGEST:
        return f"must have 1 to {_LONGEST} characters"
    if not is_clean(key):
        return "must be UTF-8 without NUL"
    if key in _DOT_SEGMENTS:
        return 'must not be "." or "..": clients take these out of addresses, so nobody could read the post'
    return None


def _good(key: str) -> str:
    mistake = mistake_in(key)
    if mistake is not None:
        raise ValueError(mistake)
    return key


PostKeyText = Annotated[str, AfterValidator(_good), Field(json_schema_extra=SCHEMA)]
