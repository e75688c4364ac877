"""Files that an export writes: whole, or not at all; packed where their name says so."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from service.transfer import zstd


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` when the block ends well. The same content gives the same bytes.

    Only its owner may read it: subjects of readers, notes of moderators and texts that nobody approved are in it.
    """
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)  # a leftover, or a link by which somebody would have us write elsewhere
    try:
        with open(unfinished, "xb", opener=_private) as file:
            if path.suffix == ".gz":
                with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
                    yield cast(BinaryIO, packed)
            elif path.suffix == zstd.SUFFIX:
                with zstd.packing(file) as packed_so:
                    yield packed_so
            else:
                yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
