"""The systems that people leave, one file each. Readers yield what is in a file, and save nothing."""

from typing import Final

from service.transfer.formats import (
    artalk,
    comentario,
    commento,
    coral,
    cusdis,
    disqus,
    gatepost,
    isso,
    remark42,
    twikoo,
    valine,
    waline,
    wordpress,
)
from service.transfer.formats.format import Format
from service.transfer.opened import Source, SourceError

FORMATS: Final[tuple[Format, ...]] = (
    wordpress.FORMAT,
    disqus.FORMAT,
    isso.FORMAT,
    remark42.FORMAT,
    commento.FORMAT,
    comentario.FORMAT,
    artalk.FORMAT,
    waline.FORMAT,
    twikoo.FORMAT,
    valine.FORMAT,
    coral.FORMAT,
    cusdis.FORMAT,
    gatepost.FORMAT,
)


def recognised(source: Source) -> Format:
    """The format of these files, by what is in them. Raises SourceError."""
    fitting = {form: None for part in source.parts for form in FORMATS if form.looks_like(part)}
    if len(fitting) == 1:
        return next(iter(fitting))
    names = ", ".join(part.name for part in source.parts)
    if fitting:
        raise SourceError(f"{names}: could be {' or '.join(form.name for form in fitting)}: say which")
    known = ", ".join(form.name for form in FORMATS)
    raise SourceError(f"{names}: is no export of a system that is known here ({known}): see docs/moving.md")
