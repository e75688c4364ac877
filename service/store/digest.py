"""One digest of a whole store, the same on both engines. For `gatepost db`, and for tests that compare stores.

SHA-256 over every table: its name and columns, then its rows in primary-key order, each as a JSON array of plain values
(RFC 8259: UTF-8, no white space, booleans as true and false). Left out is what Gatepost does not mean to keep: the
readiness check's row, leases of running services, how far their followers have come, who is signed in at the desk, and
Alembic's own table.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Table, select

from service.store import snapshot
from service.store.snapshot import ROWS_AT_ONCE, Snapshot, Watch
from service.store.tables import desk_codes, desk_sessions, followers, leases, metadata, probe, sites

PASSING = (probe, leases, followers, desk_sessions, desk_codes)
"""Of a running service. In another store it has no meaning, or should have none: a copy signs nobody in."""
TABLES: list[Table] = [table for table in metadata.sorted_tables if table not in PASSING]
"""What a store consists of, a table behind those that it refers to."""

_canonical = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Digest:
    """What a store holds, in one word, and the last event of each site that is in it."""

    text: str
    rows: int
    as_of: Mapping[str, int]


def of(moment: Snapshot, watch: Watch) -> Digest:
    """The digest of a store. Raises StoreError when something cannot be read."""
    total = sum(snapshot.size_of(moment, table) for table in TABLES)
    whole, done = hashlib.sha256(), 0
    for table in sorted(TABLES, key=lambda table: table.name):
        whole.update(_line((table.name, *table.columns.keys())))
        for batch in snapshot.batches(snapshot.rows_of(moment, table), ROWS_AT_ONCE):
            watch.tell("digest", done, total)
            whole.update(b"".join(map(_line, batch)))
            done += len(batch)
    watch.tell("digest", done, total)
    return Digest(whole.hexdigest(), done, as_of(moment))


def as_of(moment: Snapshot) -> dict[str, int]:
    """The number of each site's last event."""
    return {site: int(seq) for site, seq in moment.rows(select(sites.c.site, sites.c.event_seq).order_by(sites.c.site))}


def _line(row: tuple[object, ...]) -> bytes:
    return f"{_canonical(row)}\n".encode()
