"""A write that the readiness check makes to learn whether the store takes one."""

import secrets

from sqlalchemy import bindparam
from sqlalchemy.dialects.sqlite import insert

from service.store.database import Transaction
from service.store.tables import probe

FILLER_BYTES = 64 * 1024
"""As much as the largest request may bring: a disk that is nearly full has room for a small row and nothing else."""

_insert = insert(probe).values(id=1, written_at=bindparam("now"), filler=bindparam("filler"))
_WRITE = _insert.on_conflict_do_update(
    index_elements=["id"],
    set_={"written_at": _insert.excluded.written_at, "filler": _insert.excluded.filler},
)


def write(tx: Transaction) -> None:
    """Write one row, always the same one, with something new in it."""
    tx.run(_WRITE, now=tx.now, filler=secrets.token_hex(FILLER_BYTES))
