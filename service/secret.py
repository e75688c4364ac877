"""Fetches the secrets that settings name (`*_env`, `*_file`): beside `settings`, the only reader of the environment."""

import os
from pathlib import Path

from service import refusal


def read_secret(*, variable: str | None = None, file: Path | None = None, text: str | None = None) -> bytes:
    """The secret that one of the three names. Raises ValueError with the fix when it is not there."""
    if variable is not None:
        value = os.environ.get(variable)
        if value is None:
            raise ValueError(f"the environment has no variable {variable}: set it to the secret")
        return os.fsencode(value)
    if file is not None:
        return read_bytes(file).strip()
    return (text or "").encode()


def read_bytes(path: Path) -> bytes:
    """The content of a configured file. Raises ValueError with the reason when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({error.strerror}{refusal.as_whom(error)}): correct the path or its permissions"
        ) from None
