"""A write that the readiness check makes to learn whether the store takes one."""

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import insert

from service.store.database import Transaction
from service.store.tables import probe

_insert = insert(probe).values(id=1, written_at=bindparam("now"))
_WRITE = _insert.on_conflict_do_update(index_elements=["id"], set_={"written_at": _insert.excluded.written_at})


def write(tx: Transaction) -> None:
    """Write one row, always the same."""
    tx.run(_WRITE, now=tx.now)
