"""Which user the system refused a file to. Every message about a refused file says it: in containers that is the
cause."""

import os

_OF_SQLITE = ("SQLITE_CANTOPEN", "SQLITE_READONLY")


def as_whom(error: BaseException) -> str:
    """Which user was refused, to stand behind the reason; nothing where it was not a matter of rights."""
    refused = isinstance(error, PermissionError) or getattr(error, "sqlite_errorname", "").startswith(_OF_SQLITE)
    return f", as uid {os.geteuid()}" if refused else ""
