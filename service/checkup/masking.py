"""Shows the effective configuration as TOML, with every secret masked. Called by `gatepost check`."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

MASK = "*****"
_SECRET_NAME = re.compile(r"secret|password|passphrase|token|(^|_)key$")
_NOT_SECRET = re.compile(r"_env$|_file$|_seconds$|^public_key$|_url$")
_PASSWORD = re.compile(r"(://[^:/?#@\s]*:)\S*@")
_LONELY_TOKEN = re.compile(r"(https?://)[^:/?#@\s]+@")
_QUERY = re.compile(r"([?&](?:[^=&#\s]*=(?!\{\w+\}(?:[&#]|$))|(?![^&#\s]*=)))[^&#\s]+")
"""What follows a name and `=`, or has no name, but for `{url}` and the like: services call their secrets anything."""
_QUERY_SECRET = re.compile(r"([?&][^=&\s]*(?:secret|password|token|key)[^=&\s]*=)[^&#\s]*", re.IGNORECASE)


def toml(settings: BaseModel) -> str:
    """`settings` as a configuration file would spell it. What is not set is left out."""
    return "\n".join(_lines(_table(settings), ())).strip() + "\n"


def mask_address(text: str) -> str:
    """`text` without the password and the query values that an address in it may carry."""
    text = _PASSWORD.sub(rf"\g<1>{MASK}@", text)
    text = _LONELY_TOKEN.sub(rf"\g<1>{MASK}@", text)
    if text.startswith(("http://", "https://")):
        return _QUERY.sub(rf"\g<1>{MASK}", text)
    return _QUERY_SECRET.sub(rf"\g<1>{MASK}", text)


def mask_subject(subject: str) -> str:
    """Enough of a subject (often an e-mail address) to know it again, not enough to write to it."""
    return f"{subject[:2] if len(subject) > 4 else ''}{MASK} ({len(subject)} characters)"


def _table(model: BaseModel) -> dict[str, Any]:
    fields = type(model).model_fields
    values = {name: getattr(model, name) for name in fields}
    return {
        fields[name].alias or name: MASK if _is_secret(name, fields[name]) else _plain(value)
        for name, value in values.items()
        if value is not None
    }


def _is_secret(name: str, field: FieldInfo) -> bool:
    """A setting that its class keeps out of `repr` is a secret, and so is one that is called like a secret."""
    return not field.repr or bool(_SECRET_NAME.search(name) and not _NOT_SECRET.search(name))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _table(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | frozenset):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, bool | int | float) else mask_address(str(value))


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Values first, then the tables below: TOML knows no way back up."""
    for name, value in table.items():
        if not _is_table(value) and not _is_list_of_tables(value):
            text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON allows it, TOML does not
            yield f"{name} = {text}"
    for name, value in table.items():
        below = (*path, name)
        if _is_table(value):
            if not all(map(_is_table, value.values())):  # the tables below name it anyway
                yield f"\n[{'.'.join(below)}]"
            yield from _lines(value, below)
        elif _is_list_of_tables(value):
            for item in value:
                yield f"\n[[{'.'.join(below)}]]"
                yield from _lines(item, below)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_table, value))
