"""What a power cut leaves of an SQLite store: a log of what was written and synced, and the disk at any point of it.

The log comes from `record_writes.c`, loaded into the service. Bytes are sure to be there once a sync of their file has
returned; what was written later is there or not, in any subset, sector by sector. Called by `test_power_cut.py`.
"""

import random
import struct
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).with_name("record_writes.c")
RECORD = struct.Struct("@ccxxIq")
WRITTEN, TRUNCATED, SYNCED, UNLINKED = b"w", b"t", b"s", b"u"
DATABASE, WAL, FOLDER = b"\1", b"\2", b"\3"
ENDINGS = {DATABASE: "", WAL: "-wal"}
SECTOR_BYTES = 512


@dataclass(frozen=True, slots=True)
class Operation:
    """One record of the log."""

    kind: bytes
    file: bytes
    offset: int
    """Of what was written; the length that a file was cut to."""
    content: bytes
    end: int
    """How long the log is with this record."""


Fate = Callable[[Sequence[Operation]], Sequence[Operation]]
"""Which of the operations that no sync covers survive, wholly or in parts."""


def recorder(compiler: str, folder: Path) -> Path:
    """The library that keeps the log, compiled into `folder`."""
    library = folder / "record_writes.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, SOURCE, "-ldl", "-pthread"], check=True)
    return library


def recording(library: Path, store: Path, log: Path) -> Mapping[str, str]:
    """The environment in which a process keeps the log of `store`."""
    return {"LD_PRELOAD": str(library), "POWER_CUT_STORE": str(store), "POWER_CUT_LOG": str(log)}


def operations(log: Path) -> Iterator[Operation]:
    """The log, in order. A last record that is not whole is left out: the power went before it was done."""
    content = log.read_bytes()
    start = 0
    while start + RECORD.size <= len(content):
        kind, file, length, offset = RECORD.unpack_from(content, start)
        end = start + RECORD.size + length
        if end > len(content):
            return
        yield Operation(kind, file, offset, content[start + RECORD.size : end], end)
        start = end


@dataclass
class Disk:
    """The files of one store: what is on the disk for certain, and what may be."""

    certain: dict[bytes, bytearray] = field(default_factory=lambda: {file: bytearray() for file in ENDINGS})
    uncertain: dict[bytes, list[Operation]] = field(default_factory=lambda: {file: [] for file in ENDINGS})
    unnamed: set[bytes] = field(default_factory=lambda: set(ENDINGS))
    """Files made since the folder was last synced: a power cut may leave no name that leads to them."""

    def do(self, operation: Operation) -> None:
        """Go one record further."""
        if operation.file == FOLDER:
            self.unnamed.difference_update(file for file, content in self.certain.items() if content)
        elif operation.kind == UNLINKED:
            self.certain[operation.file] = bytearray()
            self.uncertain[operation.file] = []
            self.unnamed.add(operation.file)
        elif operation.kind == SYNCED:
            _apply(self.uncertain[operation.file], self.certain[operation.file])
            self.uncertain[operation.file] = []
        else:
            self.uncertain[operation.file].append(operation)

    def leave(self, store: Path, fate: Fate) -> None:
        """Write what a power cut leaves now to the path `store`, and beside it."""
        assert not self.unnamed, "the folder was not synced: the cut comes too early"
        for file, ending in ENDINGS.items():
            content = self.certain[file].copy()
            _apply(fate(self.uncertain[file]), content)
            store.with_name(store.name + ending).write_bytes(content)


def nothing(_: Sequence[Operation]) -> Sequence[Operation]:
    """Only synced bytes survive."""
    return []


def everything(operations: Sequence[Operation]) -> Sequence[Operation]:
    """All of it survives, as after a kill."""
    return operations


def chance(seed: int) -> Fate:
    """Each operation is lost, survives, or survives in some of its sectors."""
    dice = random.Random(seed)  # noqa: S311  # a repeatable choice, no secret

    def fate(operations: Sequence[Operation]) -> Sequence[Operation]:
        left: list[Operation] = []
        for operation in operations:
            match dice.choice(("lost", "whole", "torn")):
                case "whole":
                    left.append(operation)
                case "torn":
                    left += [sector for sector in _sectors(operation) if dice.random() < 0.5]
        return left

    return fate


def _sectors(operation: Operation) -> Iterator[Operation]:
    """The operation in pieces that the disk writes at once."""
    if operation.kind == TRUNCATED:
        yield operation
    start, end = operation.offset, operation.offset + len(operation.content)
    while start < end:
        stop = min(end, (start // SECTOR_BYTES + 1) * SECTOR_BYTES)
        piece = operation.content[start - operation.offset : stop - operation.offset]
        yield Operation(WRITTEN, operation.file, start, piece, operation.end)
        start = stop


def _apply(operations: Sequence[Operation], content: bytearray) -> None:
    for operation in operations:
        length = operation.offset if operation.kind == TRUNCATED else operation.offset + len(operation.content)
        content.extend(bytes(max(0, length - len(content))))
        if operation.kind == TRUNCATED:
            del content[length:]
        else:
            content[operation.offset : length] = operation.content
