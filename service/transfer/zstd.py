"""Zstandard (RFC 8878), for files that come in and go out packed so: `opened` and `written` call this.

The library is loaded where such a file is: Python has none of its own before 3.14.
"""

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

from typing_extensions import Buffer

MAGIC: Final = b"\x28\xb5\x2f\xfd"
SUFFIX: Final = ".zst"
MOST_MEMORY_BYTES: Final = 128 * 1024 * 1024
"""What `zstd` itself allows without being asked for more."""


class _Unpacked(io.RawIOBase):
    """The bytes inside. What is wrong with them is said as `zlib` says it of gzip."""

    def __init__(self, path: Path) -> None:
        import zstandard

        self._errors = zstandard.ZstdError
        decompressor = zstandard.ZstdDecompressor(max_window_size=MOST_MEMORY_BYTES)
        self._reader = decompressor.stream_reader(path.open("rb"), read_across_frames=True, closefd=True)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        try:
            return self._reader.readinto(buffer)
        except self._errors as error:
            raise zlib.error(str(error)) from None

    def close(self) -> None:
        self._reader.close()  # type: ignore[no-untyped-call]
        super().close()


def unpacked(path: Path) -> IO[bytes]:
    """The bytes inside a file. Raises OSError; reading raises zlib.error."""
    return io.BufferedReader(_Unpacked(path))


@contextmanager
def packing(file: BinaryIO) -> Iterator[BinaryIO]:
    """What is written goes packed into `file`. The same content gives the same bytes."""
    import zstandard

    with zstandard.ZstdCompressor(write_checksum=True).stream_writer(file, closefd=False) as packed:
        buffered = io.BufferedWriter(cast(io.RawIOBase, packed))  # which can all that a file can
        yield buffered
        buffered.detach()
