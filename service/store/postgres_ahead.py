"""A connection to PostgreSQL that may send statements before the earlier ones are answered (libpq's pipeline mode).

The server is done with a statement in microseconds. The answer takes longer: the server's process has to wake up for
the statement, then this one for the answer. Inside of `ahead` nobody waits for a change whose outcome is not asked for.
It goes to the server, the program goes on, and the answer is read with that of the next statement that is asked for
rows, or at the end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Pipeline


class Ahead(psycopg.Connection[dict[str, Any]]):
    """The connection. Of `psycopg.Connection` it differs inside of `ahead` alone."""

    _line: Pipeline | None = None

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """Inside, statements that nobody asks for their outcome are not waited for.

        What one of them raises comes later: with a statement after it, or at the end.
        """
        with self.pipeline() as self._line:
            try:
                yield
            finally:
                self._line = None

    def hear(self) -> None:
        """Wait for all answers that have not come yet. Raises what one of those statements raises."""
        if self._line is not None:
            self._line.sync()


class AheadCursor(psycopg.Cursor[dict[str, Any]]):
    """What a statement brings: whoever asks waits for it."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement touched."""
        if self.pgresult is None and isinstance(self.connection, Ahead):
            self.connection.hear()
        return super().rowcount
