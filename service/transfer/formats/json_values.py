"""The objects of a JSON file, one by one, however long it is: from an array in it, or line by line."""

import io
import json
from collections.abc import Iterator
from typing import IO, Any, Final

import ijson

from service import strict_json
from service.transfer.formats.record import Record
from service.transfer.imported import LeftOut
from service.transfer.opened import Part, SourceError, Stream

DEEPEST: Final = 64
MOST_VALUES: Final = 500_000
MOST_CHARACTERS: Final = 32 * 1024 * 1024
"""In one object. One of isso's has a whole thread in it."""
_OUTSIDE: Final = 3
"""So deep are the objects that are looked for, at most."""
FEW_BYTES: Final = 256 * 1024


def objects(part: Part, under: str = "") -> Iterator[Record | LeftOut]:
    """The objects in the array called `under` (`data.Comment`); by default those of the outermost array, or of the
    file itself, one behind the other. Their `line` is a line where each object has one, else their number.

    Raises SourceError.
    """
    with part.open() as stream:
        first, _, _ = stream.read().lstrip().partition(b"\n")
    if not under and _is_object(first):
        yield from _by_lines(part)
        return
    with part.open() as stream:
        yield from _stream(part, stream, stream, f"{under}.item" if under else "")


def objects_in(part: Part, text: str) -> Iterator[Record]:
    """Those of an array that stands in a part as one text. Raises SourceError."""
    yield from _stream(part, io.BytesIO(text.encode("utf-8", "replace")), None, "")


def _stream(part: Part, file: "Stream | IO[bytes]", stream: Stream | None, wanted: str) -> Iterator[Record]:
    number = 0
    try:
        for _, event, value in _walk(_events(file), stream, wanted=wanted):
            if event == "object":
                number += 1
                yield Record(number, value)
    except ijson.JSONError as error:
        near = f"{part.name}, near line {stream.lines_read + 1 if stream else 1}"
        if "premature" in str(error):
            raise SourceError(f"{near}: ends in the middle: it was cut off; export it anew") from None
        raise SourceError(f"{near}: is not JSON in UTF-8; export it anew") from None
    except _UnreasonableError as error:
        raise SourceError(f"{part.name}, object {number + 1}: {error}: no export does; not read") from None


def first_members(begin: bytes) -> Iterator[tuple[str, Any]]:
    """The members of the first object of a file, with their values, as far as its first bytes tell."""
    try:
        for name, event, value in _walk(_events(io.BytesIO(begin)), None, wanted=None):
            if event == "end_map" and not name:
                return
            yield name, value
    except (ijson.JSONError, _UnreasonableError):  # it goes on, or is no JSON: what was seen is what there is
        return


class _UnreasonableError(Exception):
    """JSON that was made to do harm."""


def _events(file: "Stream | IO[bytes]") -> Iterator[tuple[str, Any]]:
    return iter(ijson.basic_parse(file, use_float=True, multiple_values=True))


def _walk(
    events: Iterator[tuple[str, Any]], stream: Stream | None, *, wanted: str | None
) -> Iterator[tuple[str, str, Any]]:
    """Each event with the name of its value: none for the outermost object and for those of an outermost array.

    An object called `wanted` comes whole, as the event `object`.
    """
    around: list[str] = []
    name = ""
    values = 0
    for event, value in events:
        if stream is not None:
            stream.useful()
        values = values + 1 if len(around) > _OUTSIDE else 0
        if values > MOST_VALUES:
            raise _UnreasonableError("holds too much")
        if event == "map_key":
            name = f"{around[-1]}.{value}" if around[-1] else value
        elif event in ("end_map", "end_array"):
            name = around.pop()
            yield name, event, None
        elif event == "start_map" and name == wanted:
            yield name, "object", _built(events, stream)
        elif event in ("start_map", "start_array"):
            yield name, event, None
            if len(around) == DEEPEST:
                raise _UnreasonableError("nests too deeply")
            around.append(name)
            name = f"{name}.item" if event == "start_array" and name else name
        else:
            yield name, event, value


def _built(events: Iterator[tuple[str, Any]], stream: Stream | None) -> dict[str, Any]:
    """The object whose beginning was just read."""
    whole: dict[str, Any] = {}
    inside: list[dict[str, Any] | list[Any]] = [whole]
    keys = [""]
    values = characters = 0
    for event, value in events:
        if stream is not None:
            stream.useful()
        if event == "map_key":
            keys[-1] = value
            continue
        if event in ("end_map", "end_array"):
            inside.pop()
            keys.pop()
            if not inside:
                return whole
            continue
        values += 1
        made = {} if event == "start_map" else [] if event == "start_array" else value
        if isinstance(made, str):
            characters += len(made)
        if values > MOST_VALUES or characters > MOST_CHARACTERS:
            raise _UnreasonableError("holds too much")
        if isinstance(target := inside[-1], dict):
            target[keys[-1]] = made
        else:
            target.append(made)
        if isinstance(made, dict | list):
            if len(inside) == DEEPEST:
                raise _UnreasonableError("nests too deeply")
            inside.append(made)
            keys.append("")
    return whole


def _is_object(line: bytes) -> bool:
    if line.startswith(b"#"):  # LeanCloud says in such a line what comes
        return True
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _by_lines(part: Part) -> Iterator[Record | LeftOut]:
    with part.open() as stream:
        for number, line in stream.lines():
            if line.startswith(b"#"):
                continue
            if len(line) > FEW_BYTES and line.count(b",") + line.count(b"[") + line.count(b"{") > MOST_VALUES:
                yield LeftOut(number, "holds too many values")
                continue
            try:
                value = json.loads(line.decode("utf-8"), strict=False)
            except UnicodeDecodeError:
                yield LeftOut(number, "is not UTF-8")
            except RecursionError:
                yield LeftOut(number, "nests too deeply")
            except ValueError:
                if not line.endswith(b"\n"):
                    raise SourceError(
                        f"{part.name}, line {number}: ends in the middle: it was cut off; export it anew"
                    ) from None
                yield LeftOut(number, "is not JSON")
            else:
                if line.count(b"[") + line.count(b"{") > DEEPEST < strict_json.depth(value):
                    yield LeftOut(number, "nests too deeply")
                else:
                    yield Record(number, value) if isinstance(value, dict) else LeftOut(number, "is no JSON object")
