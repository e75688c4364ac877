"""Why PostgreSQL could not be used, in words. For whoever opens a store there, or reads a whole one.

A driver's text may quote the address, and so the password: only what the server or the system said is taken out of it.
"""

import re
from typing import Final

import psycopg

from service.store.workers import DeadlinePassed

_SAID: Final = re.compile(r"(?:FATAL|failed): +([^:\n]+)$|\[Errno -?\d+\] ([^:\n]+)$", re.MULTILINE)


def cause(error: psycopg.Error | DeadlinePassed) -> str:
    """What stands in the way, as a part of a sentence."""
    if isinstance(error, DeadlinePassed | psycopg.errors.ConnectionTimeout):
        return "no answer in time"
    if error.sqlstate is not None:
        return str(error).partition("\n")[0]
    found = _SAID.search(str(error))
    return found[1] or found[2] if found else type(error).__name__
