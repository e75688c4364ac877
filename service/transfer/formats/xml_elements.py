"""The records of an XML file, one by one, however long it is. Only what stands in one record is held at a time."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from service.transfer.formats.record import Record
from service.transfer.opened import LONGEST_VALUE_BYTES, PIECE_BYTES, Part, SourceError, Stream

DEEPEST: Final = 64
MOST_FIELDS: Final = 1_000
"""In one record."""
LONGEST_NAME: Final = 200
MOST_NAMES: Final = 10_000
# Found in real exports, where it makes the whole file unreadable: characters that XML forbids, Disqus' ids bare.
_FORBIDDEN: Final = bytes(set(range(32)) - {9, 10, 13})
_UNQUOTED: Final = re.compile(rb"dsq:id=(?<=\sdsq:id=)([\w-]+)(?=[\s/>])")


def elements(part: Part, *outer: str, inner: str = "") -> Iterator[tuple[str, Record, Record]]:
    """Each element called one of `outer`, or `inner` within one of these: its name without its prefix, itself, and the
    one around it as far as it was read (an empty one where there is none).

    Its fields are its inner elements by their names (`author.name`) and attributes (`thread@id`, its own `@id`), a
    later one for an earlier one of the same name; `line` is where it ends. Raises SourceError.
    """
    parser = _Parser(frozenset(outer), inner)
    with part.open() as stream:
        try:
            for piece in _pieces(stream):
                parser.feed(piece)
                if parser.happened:
                    parser.happened = False
                    stream.useful()
                yield from parser.found
                parser.found.clear()
            parser.close()
        except SAXParseException as error:
            raise SourceError(f"{part.name}, line {error.getLineNumber()}: {_in_words(error)}") from None
        except DefusedXmlException:
            line = parser.getLineNumber()
            raise SourceError(
                f"{part.name}, line {line}: declares a document type or entities: no export does; not read"
            ) from None
        except (LookupError, ValueError) as error:  # an encoding that nobody knows, or of several bytes a character
            raise SourceError(f"{part.name}, line 1: {error}: make it UTF-8 (`iconv -t UTF-8`)") from None
        except _UnreasonableError as error:
            raise SourceError(
                f"{part.name}, line {parser.getLineNumber()}: {error}: no export does; not read"
            ) from None


class _UnreasonableError(Exception):
    """XML that was made to do harm."""


def _pieces(stream: Stream) -> Iterator[bytes]:
    """What the parser is given: nothing before the first `<`, no forbidden characters, ids in quotes.

    A piece ends where a tag begins, so that no id is cut in two; where none begins for long, it is text that is cut.
    """
    piece = stream.read()
    piece, held = piece[max(0, piece.find(b"<")) :], b""
    while piece:
        held += piece
        end = max(0, held.rfind(b"<")) or (len(held) if len(held) > PIECE_BYTES else 0)
        yield _mended(held[:end])
        piece, held = stream.read(), held[end:]
    yield _mended(held)


def _mended(piece: bytes) -> bytes:
    return _UNQUOTED.sub(rb'dsq:id="\1"', piece).translate(None, _FORBIDDEN)


def _in_words(error: SAXParseException) -> str:
    message = str(error.getMessage())
    if "no element found" in message or "unclosed" in message:
        return "ends in the middle: it was cut off; export it anew"
    return f"is not XML ({message}); export it anew, or mend this line"


class _Open:
    """A wanted element that is being read."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.names = [""]
        self.fields: dict[str, Any] = {}
        self.characters = 0


class _Parser(DefusedExpatParser, ContentHandler):
    """Parser and handler in one: an element costs half of what it would with a handler behind the parser."""

    def __init__(self, outer: frozenset[str], inner: str) -> None:
        super().__init__(forbid_dtd=True)
        self.setContentHandler(self)
        self.found: list[tuple[str, Record, Record]] = []
        self.happened = False
        self._outer = outer
        self._inner = inner
        self._wanted: list[_Open] = []
        self._depth = 0
        self._text: list[str] = []
        self._met: set[str] = set()

    def start_element(self, name: str, attrs: Mapping[str, str]) -> None:
        """One begins."""
        self.happened = True
        if attrs or name not in self._met:
            self._meet(name, *attrs)
        self._depth += 1
        if self._depth > DEEPEST:
            raise _UnreasonableError("nests too deeply")
        name = name[name.find(":") + 1 :]
        if name == self._inner if self._wanted else name in self._outer:
            self._wanted.append(_Open(self._depth))
        elif self._wanted:
            names = self._wanted[-1].names
            names.append(f"{names[-1]}.{name}" if names[-1] else name)
        if self._wanted:
            here = self._wanted[-1]
            for attribute, value in attrs.items():
                here.fields[f"{here.names[-1]}@{attribute.rpartition(':')[2]}"] = value
                here.characters += len(value)
            if len(here.fields) > MOST_FIELDS:
                raise _UnreasonableError("one record has too many fields")
            if here.characters > LONGEST_VALUE_BYTES:
                raise _UnreasonableError("one record is too long")
        self._text.clear()

    def _meet(self, *names: str) -> None:
        """The parser keeps every name to the end of the file; a field is called by those around it as well."""
        self._met.update(names)
        if max(map(len, names)) > LONGEST_NAME:
            raise _UnreasonableError(f"a name of more than {LONGEST_NAME} characters")
        if len(self._met) > MOST_NAMES:
            raise _UnreasonableError(f"more than {MOST_NAMES} names of elements")

    def characters(self, content: str) -> None:
        """A piece of what stands in the innermost element."""
        self.happened = True
        if self._wanted:
            here = self._wanted[-1]
            here.characters += len(content)
            if here.characters > LONGEST_VALUE_BYTES:
                raise _UnreasonableError("one record is too long")
            self._text.append(content)

    def end_element(self, name: str) -> None:
        """One ends."""
        self.happened = True
        self._depth -= 1
        if not self._wanted:
            return
        here = self._wanted[-1]
        if here.depth == self._depth + 1:
            self._wanted.pop()
            around = self._wanted[-1].fields if self._wanted else {}
            line = self.getLineNumber()
            self.found.append((name.rpartition(":")[2], Record(line, here.fields), Record(line, around)))
        else:
            key = here.names.pop()
            if text := "".join(self._text):
                here.fields[key] = text
        self._text.clear()
