"""The keys that the service made for itself at its first start, shared by every process on the same store."""

import secrets as random

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from service.store.database import Transaction
from service.store.tables import secrets

_FIND = select(secrets.c.value).where(secrets.c.name == bindparam("name"))
_MAKE = insert(secrets).values(name=bindparam("name"), value=bindparam("value")).on_conflict_do_nothing()


def get_or_make(tx: Transaction, name: str) -> bytes:
    """The 32 byte key called `name`. It is written once: who asks in a transaction that fails has nothing to undo."""
    row = tx.first(_FIND, name=name)
    if row is None:
        tx.run(_MAKE, name=name, value=random.token_hex(32))
        row = tx.first(_FIND, name=name)
    if row is None:
        raise LookupError(name)
    return bytes.fromhex(row["value"])
