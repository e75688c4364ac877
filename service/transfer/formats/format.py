"""What a format is: a name, how its files are recognised, and a reader."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from service.transfer.imported import Found
from service.transfer.opened import Part, Source, SourceError


@dataclass(frozen=True, slots=True)
class Format:
    """A system that people leave. `looks_like` asks what is in a file, never how it is called;
    of several files one has to."""

    name: str
    looks_like: Callable[[Part], bool]
    reader: Callable[[Source], Iterator[Found]]

    def read(self, source: Source) -> Iterator[Found]:
        """What is in it, in the order of the files; nothing is saved. Raises SourceError, also between two comments."""
        if not any(map(self.looks_like, source.parts)):
            names = ", ".join(part.name for part in source.parts)
            raise SourceError(f"{names}: is no export of {self.name}: name its format, or let it be found out (`auto`)")
        return self.reader(source)
