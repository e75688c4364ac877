"""The systems that people leave, one file each. Readers yield what is in a file, and save nothing."""

from typing import Final

from service.transfer.formats import disqus, gatepost, wordpress
from service.transfer.formats.format import Format
from service.transfer.opened import Source, SourceError

FORMATS: Final[tuple[Format, ...]] = (wordpress.FORMAT, disqus.FORMAT, gatepost.FORMAT)


def recognised(source: Source) -> Format:
    """The format of these files, by what is in them. Raises SourceError."""
    fitting = [form for form in FORMATS if form.looks_like(source)]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(part.name for part in source.parts)
    known = ", ".join(form.name for form in FORMATS)
    raise SourceError(f"{names}: is no export that is known here ({known}): see docs/moving.md")
