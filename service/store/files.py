"""Files that hold a store: made so that nobody else can read them, synced, removed.

For `sqlite`, `backup`, `restore`, `copy`.

None of this may touch a file that this process has open as a store: closing any descriptor of it drops SQLite's locks.
"""

import os
from pathlib import Path

BESIDE = ("-wal", "-shm", "-journal", ".lock")
"""What may stand beside a store: two files of SQLite's, a third of its other journal mode, and Gatepost's lock."""


def make_private(path: Path) -> None:
    """An empty file that only its owner may read, where there is none: keys and subjects are in it. Raises OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def beside(path: Path, suffix: str) -> Path:
    """The file that belongs to `path`."""
    return path.with_name(path.name + suffix)


def sync(path: Path) -> None:
    """A file, or a folder's list of names, is on the disk when this returns. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """A store that nobody uses, and everything beside it. Raises OSError."""
    for found in (path, *(beside(path, suffix) for suffix in BESIDE)):
        found.unlink(missing_ok=True)
