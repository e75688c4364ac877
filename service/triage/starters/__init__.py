"""Policies to start with, as files with their tests. `gatepost policy put --starter NAME` chooses one."""

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def names() -> tuple[str, ...]:
    """What there is to choose from."""
    found = (file.name for file in files(__name__).iterdir() if file.name.endswith(".json"))
    return tuple(sorted(name.removesuffix(".json") for name in found))


def document(name: str) -> dict[str, Any]:
    """The document of this name. Raises LookupError where there is none."""
    if name not in names():
        raise LookupError(name)
    return dict(json.loads(files(__name__).joinpath(f"{name}.json").read_text("utf-8")))
