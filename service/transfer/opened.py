"""The files that an import is given, opened as what they are: plain, gzip, zstd, zip. For the readers in `formats/`.

Whoever made such a file may mean harm. So nothing is unpacked to the disk, everything comes in pieces, and what grows
without bounds ends with one clear line.
"""

import gzip
import io
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from service import refusal
from service.text import visible
from service.transfer import zstd

PIECE_BYTES: Final = 64 * 1024
LONGEST_VALUE_BYTES: Final = 8 * 1024 * 1024
"""So many bytes may pass of which nothing comes: one text, one line."""
RATIO: Final = 200
RATIO_COUNTS_FROM_BYTES: Final = 16 * 1024 * 1024
"""Text shrinks to a tenth, at best to a hundredth. What shrinks to less than 1/`RATIO` is refused from here on."""
MOST_MEMBERS: Final = 100
"""Each is looked at to find out what it is, which takes up to a tenth of a second."""

MOST_BYTES_OF_NAMES: Final = 1024 * 1024
"""In the directory of a zip, which is read at once and takes much more in memory."""

# What the libraries raise that unpack: a name that is not UTF-8 is a ValueError, a place beyond all files an overflow.
_DAMAGED: Final = (
    EOFError,
    ValueError,
    OverflowError,
    zlib.error,
    lzma.LZMAError,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
)
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


class SourceError(Exception):
    """A file cannot be read as what it should be. Its text is one line: which file, where in it, and what to do.

    It may quote the file, and goes to a terminal."""

    def __init__(self, text: str) -> None:
        super().__init__(visible.clean_line(visible.writable(text)))


@dataclass(slots=True)
class Passed:
    """How many bytes of a part have been read, unpacked; and how many there are, as far as one knows before."""

    of_all: int
    done: int = 0


class Stream:
    """The bytes of one part. Whoever reads calls `useful` when something came of what was read so far."""

    def __init__(self, file: IO[bytes], name: str, packed_bytes: int | None, passed: Passed) -> None:
        self.name = name
        self.lines_read = 0
        self._file = file
        self._packed_bytes = packed_bytes
        self._passed = passed
        self._passed.done = 0
        self._useless = 0
        self._ahead = self._take(file.read, PIECE_BYTES)
        if self._ahead.startswith(_UTF16_MARKS):
            raise SourceError(f"{name}: is written in UTF-16: make it UTF-8 (`iconv -f UTF-16 -t UTF-8`)")
        self._ahead = self._ahead.removeprefix(_UTF8_MARK)

    def read(self, size: int = PIECE_BYTES) -> bytes:
        """The next bytes, `PIECE_BYTES` at most; none at the end. Raises SourceError."""
        size = PIECE_BYTES if size < 0 else min(size, PIECE_BYTES)
        if self._ahead:
            piece, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            piece = self._take(self._file.read, size)
        return self._counted(piece)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Each line that is not blank, with its number from 1 on. Raises SourceError."""
        while line := self._line():
            self.useful()
            if line.strip():
                yield self.lines_read + (not line.endswith(b"\n")), line

    def useful(self) -> None:
        """Something came of what was read so far."""
        self._useless = 0

    def _line(self) -> bytes:
        pieces: list[bytes] = []
        while not pieces or not pieces[-1].endswith(b"\n"):
            if self._ahead:
                end = self._ahead.find(b"\n") + 1 or len(self._ahead)
                piece, self._ahead = self._ahead[:end], self._ahead[end:]
            else:
                piece = self._take(self._file.readline, PIECE_BYTES)
            if not piece:
                break
            pieces.append(self._counted(piece))
        return b"".join(pieces)

    def _take(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            piece = read(size)
        except _DAMAGED as error:
            raise SourceError(f"{self.name}: is damaged or cut off ({error}): fetch it anew") from None
        except OSError as error:
            raise SourceError(f"{self.name}: cannot be read ({error.strerror or error})") from None
        self._passed.done += len(piece)
        if self._packed_bytes is not None and _is_a_bomb(self._passed.done, self._packed_bytes):
            raise SourceError(f"{self.name}: unpacks to more than {RATIO} times its size: no export does; not read")
        return piece

    def _counted(self, piece: bytes) -> bytes:
        self.lines_read += piece.count(b"\n")
        self._useless += len(piece)
        if self._useless > LONGEST_VALUE_BYTES:
            raise SourceError(
                f"{self.name}, line {self.lines_read + 1}: one value of more than {LONGEST_VALUE_BYTES // 2**20} MB: "
                "no comment is so long; take it out of the file"
            )
        return piece


@dataclass(frozen=True, slots=True)
class Part:
    """One file, or one member of a zip. `path` is where it lies, unless it is packed."""

    name: str
    path: Path | None
    passed: Passed = field(compare=False)
    _open: Callable[[], IO[bytes]]
    _packed_bytes: int | None = None

    @contextmanager
    def open(self) -> Iterator[Stream]:
        """Its bytes from the beginning, unpacked. Raises SourceError."""
        try:
            file = self._open()
        except (OSError, RuntimeError, *_DAMAGED) as error:
            raise SourceError(f"{self.name}: cannot be opened ({error})") from None
        with file:
            yield Stream(file, self.name, self._packed_bytes, self.passed)


class Source:
    """What an import is given: one file or several, each of them perhaps packed."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Raises SourceError."""
        self.parts = tuple(part for path in paths for part in _parts(path))
        if not self.parts:
            raise SourceError(f"{', '.join(map(str, paths))}: nothing is in it")

    @property
    def passed(self) -> tuple[int, int]:
        """How many kilobytes have been read, of how many."""
        done = sum(part.passed.done for part in self.parts)
        return done // 1000, max(done, sum(part.passed.of_all for part in self.parts)) // 1000


def _parts(path: Path) -> Iterator[Part]:
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise SourceError(f"{path}: is a folder: name the files in it")
        if not stat.S_ISREG(found.st_mode):
            raise SourceError(f"{path}: is no file")
        with path.open("rb") as file:
            begin = file.read(4)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}{refusal.as_whom(error)})") from None
    if begin.startswith(_GZIP):
        unpacked = Passed(_unpacked_bytes(path))
        yield Part(_shown(path), None, unpacked, lambda: cast(IO[bytes], gzip.GzipFile(path)), found.st_size)
    elif begin == zstd.MAGIC:  # how much is in it, it need not say
        yield Part(_shown(path), None, Passed(0), lambda: zstd.unpacked(path), found.st_size)
    elif begin in _ZIP:
        yield from _members(path, found.st_size)
    else:
        yield Part(_shown(path), path, Passed(found.st_size), lambda: path.open("rb"))


def _shown(path: Path) -> str:
    """A file's name, which need be no text."""
    return visible.writable(path.name)


def _unpacked_bytes(path: Path) -> int:
    """How long a gzip file says that it is (RFC 1952, 2.3.1), modulo 4 GB: good enough for whoever watches."""
    with path.open("rb") as file:
        file.seek(-min(4, path.stat().st_size), os.SEEK_END)
        return int.from_bytes(file.read(), "little")


class _Shelf(io.FileIO):
    """A zip of which only the directory is read. `zipfile` reads that in one piece, before anybody can count."""

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes. Raises SourceError."""
        if size is not None and size > MOST_BYTES_OF_NAMES:
            raise SourceError(
                f"{Path(str(self.name)).name}: holds very many files: unpack it, and name those that are meant"
            )
        return super().read(size) or b""


def _members(path: Path, packed_bytes: int) -> Iterator[Part]:
    try:
        with _Shelf(path) as file, zipfile.ZipFile(file) as archive:
            members = [member for member in archive.infolist() if not member.filename.endswith("/")]
    except (OSError, RuntimeError, *_DAMAGED) as error:
        raise SourceError(f"{path.name}: is damaged or cut off ({error}): fetch it anew") from None
    if len(members) > MOST_MEMBERS:
        raise SourceError(f"{path.name}: holds {len(members)} files: unpack it, and name those that are meant")
    if _is_a_bomb(sum(member.file_size for member in members), packed_bytes):
        raise SourceError(f"{path.name}: unpacks to more than {RATIO} times its size: no export does; not read")
    for member in members:
        inside = PurePosixPath(member.filename.replace("\\", "/"))
        if not inside.parts:
            raise SourceError(f"{path.name}: a file in it has no name: not read")
        if inside.is_absolute() or ".." in inside.parts or inside.drive:
            raise SourceError(f"{path.name}: a name in it leads out of it ({member.filename!r}): not read")
        if member.flag_bits & 1:
            raise SourceError(f"{path.name}: {member.filename} has a password: unpack it first")
        if inside.parts[0] != "__MACOSX" and not inside.name.startswith("."):  # what a Mac adds
            unpacked = Passed(member.file_size)
            yield Part(f"{_shown(path)}/{inside}", None, unpacked, _opener(path, member), packed_bytes)


def _opener(path: Path, member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    def open_member() -> IO[bytes]:
        with zipfile.ZipFile(path) as archive:  # the member keeps the file open
            return archive.open(member)

    return open_member


def _is_a_bomb(total: int, packed: int) -> bool:
    return total > RATIO_COUNTS_FROM_BYTES and total > RATIO * packed
