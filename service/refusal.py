"""To whom the system refused a file: in a container that is the question people ask next. For every such message."""

import os

_OF_SQLITE = ("SQLITE_CANTOPEN", "SQLITE_READONLY")


def as_whom(error: BaseException) -> str:
    """Which user was refused, to stand behind the reason; nothing where it was not a matter of rights."""
    refused = isinstance(error, PermissionError) or getattr(error, "sqlite_errorname", "").startswith(_OF_SQLITE)
    return f", as uid {os.geteuid()}" if refused else ""
