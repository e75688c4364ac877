"""How large the body of a call can be, from the shape that is declared for it. Called by `surface` for each route."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

CHARACTER_BYTES = 12
"""As an escape: two halves of six bytes where it lies beyond the basic plane (RFC 8259, 7)."""
ESCAPED_BYTES = 6
"""What a byte of JSON can take where its character is written as an escape."""
WHITE_SPACE_BYTES = 64 * 1024
"""How much more there may be: blanks and lines between the members, and around a comment."""
MOST_BYTES = 4 * 1024 * 1024
"""A bulk call could need seven times as much, if all three texts of all 500 decisions were full and every character an
escape. That is nobody's call, and would take a tenth of a gigabyte; so that much is the contract's own limit."""
OTHERS = {"boolean": 5, "null": 4, "integer": 32, "number": 32}
TIME_CHARACTERS = 64


def limit(kind: type[BaseModel]) -> int:
    """Bytes within which every valid body of this shape fits, however it is written, or `MOST_BYTES`.

    Raises TypeError where a text or list in the shape has no longest length: every shape must have one.
    """
    schema = kind.model_json_schema()
    return min(_largest(schema, schema.get("$defs", {})) + WHITE_SPACE_BYTES, MOST_BYTES)


def _largest(schema: Mapping[str, Any], named: Mapping[str, Any]) -> int:
    if "$ref" in schema:
        return _largest(named[schema["$ref"].rpartition("/")[2]], named)
    if "anyOf" in schema:
        return max(_largest(option, named) for option in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return max(_text(len(str(value))) for value in schema.get("enum", [schema.get("const")]))
    match schema:
        case {"type": "object", "additionalProperties": False, "properties": members}:
            return 2 + sum(_text(len(name)) + 2 + _largest(member, named) for name, member in members.items())
        case {"type": "object", "x-longest-json": length}:
            return int(length) * ESCAPED_BYTES
        case {"type": "array", "maxItems": count, "items": item}:
            return 2 + int(count) * (1 + _largest(item, named))
        case {"type": "string", "maxLength": length}:
            return _text(length)
        case {"type": "string", "format": "date-time"}:
            return _text(TIME_CHARACTERS)
        case {"type": kind} if kind in OTHERS:
            return OTHERS[kind]
    raise TypeError(f"a body may hold no value without a bound: {schema}")


def _text(characters: int) -> int:
    return 2 + characters * CHARACTER_BYTES
