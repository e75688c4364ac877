"""`gatepost`, started with the command and the environment that the compose files give it: no engine, all else is real.

A name or address of the compose network becomes one of this machine. PostgreSQL wants the password that `.env` says.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tests.compose import ONE, ROOT, SCALE, command_of, environment_of, read, variables
from tests.faults.own_postgres import OwnPostgres, own_postgres
from tests.varnish import PATIENCE_SECONDS, VARNISHD, varnish

if VARNISHD is None and not os.environ.get("CI"):
    pytest.skip("no varnishd on this machine", allow_module_level=True)

pytestmark = [pytest.mark.own_engines, pytest.mark.slow]
CONFIGURATION = """
[sites.blog]
name = "A blog"
[[sites.blog.login]]
kind = "jwt"
algorithms = ["HS256"]
secret_env = "BLOG_JWT_SECRET"
issuer = "https://blog.example"
audience = "gatepost"
"""
BLOG_SECRET = "BLOG_JWT_SECRET='a secret of 32 bytes or more, with $ in it'"
PASSWORDS = ["q/W+e/rT5y==", "aB/c+d@e:f=#g", "it costs $5 {or} 100%2F"]
NOBODY = "127.0.0.1:9"


@dataclass
class Finished:
    """A command that has ended."""

    status: int
    out: str
    err: str


@dataclass
class Container:
    """What runs in a container of our image: its command, its variables, and here its folder."""

    words: list[str]
    variables: dict[str, str]
    folder: Path

    async def run(self, *words: str) -> Finished:
        """The command, or another one, to its end."""
        process = await self._start(*words, stdout=asyncio.subprocess.PIPE)
        async with asyncio.timeout(PATIENCE_SECONDS):
            out, err = await process.communicate()
        return Finished(process.returncode or 0, out.decode(), err.decode())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The command within the `async with`, from when it says that it listens; others then know where."""
        process = await self._start()
        assert process.stderr is not None
        try:
            said = []
            async with asyncio.timeout(PATIENCE_SECONDS):
                while line := await process.stderr.readline():
                    said.append(line.decode())
                    if line.startswith(b"{") and json.loads(line)["event"] == "service.started":
                        self.variables["GATEPOST_SERVER__PORT"] = json.loads(line)["address"].rpartition(":")[2]
                        break
                else:
                    pytest.fail(f"ended with {await process.wait()}: {said}")
            yield
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _start(self, *words: str, stdout: int = asyncio.subprocess.DEVNULL) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "service", *(words or self.words)),
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", **self.variables},
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
        )


def container(file: str, name: str, dotenv: str, folder: Path, here: Mapping[str, str]) -> Container:
    """A service of ours, with the names and addresses of `here` for those of its network."""
    (folder / "gatepost.toml").write_text(CONFIGURATION)
    places = {
        "/etc/gatepost/": f"{folder}/",
        "sqlite:////data/": f"sqlite:///{folder}/",
        "0.0.0.0": "127.0.0.1",  # noqa: S104 (replaced)
        **here,
    }
    service = read(file, dotenv)["services"][name]

    def found(text: str) -> str:
        for there, place in places.items():
            text = text.replace(there, place)
        return text

    set_here = {variable: found(text) for variable, text in environment_of(service, dotenv).items()}
    words = [found(word) for word in command_of(service)]
    return Container(words, {**set_here, "GATEPOST_SERVER__PORT": "0"}, folder)


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    """A PostgreSQL of this file's own, because its databases are called as in the compose file."""
    with own_postgres() as started:
        yield started


def beside(server: OwnPostgres, password: str) -> dict[str, str]:
    """What a replica finds at the names of its network: PostgreSQL, where that password has been set, and no Valkey."""
    socket = server.give("gatepost", password)
    place = f"@/gatepost?host={quote(str(socket))}"
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(f"postgresql://gatepost{place}", passfile="")
    return {"@postgres:5432/gatepost": place, "valkey:6379": NOBODY}


@pytest.mark.parametrize(
    ("password", "purge_secret"),
    [(PASSWORDS[0], ""), (PASSWORDS[1], "PURGE_SECRET="), (PASSWORDS[2], "PURGE_SECRET='open $esame'")],
)
async def test_replica_serves_and_purges_with_any_password_and_any_secret(
    server: OwnPostgres, tmp_path: Path, password: str, purge_secret: str
) -> None:
    dotenv = "\n".join(filter(None, [BLOG_SECRET, f"POSTGRES_PASSWORD='{password}'", purge_secret]))
    proxy_variables = read(SCALE, dotenv)["services"]["proxy"]["environment"]
    async with varnish([9, 9], purger="127.0.0.1", **proxy_variables) as proxy:
        here = {**beside(server, password), "http://10.77.0.10:8080": proxy}
        replica = container(SCALE, "replica-1", dotenv, tmp_path, here)
        async with replica.running():
            healthy, checked = await replica.run("health"), await replica.run("check")
        assert (healthy.status, healthy.err) == (0, "")
        assert "ok   cache purge: the cache takes it" in checked.out, checked
        assert "FAIL" not in checked.out
        assert password not in checked.out


async def test_one_service_serves_with_the_environment_of_its_file(tmp_path: Path) -> None:
    gatepost = container(ONE, "gatepost", BLOG_SECRET, tmp_path, {})
    async with gatepost.running():
        healthy, checked = await gatepost.run("health"), await gatepost.run("check")
    assert (healthy.status, healthy.err, checked.status) == (0, "", 0), checked
    assert "ok   trusted proxies: 10.78.0.1/32" in checked.out
    assert "ok   server: is running at" in checked.out


async def test_move_takes_along_what_one_service_kept(server: OwnPostgres, tmp_path: Path) -> None:
    one, move, replica = (
        container(file, name, dotenv, tmp_path, places)
        for dotenv in [f"{BLOG_SECRET}\nPOSTGRES_PASSWORD='{PASSWORDS[1]}'"]
        for places in [beside(server, PASSWORDS[1])]
        for file, name in ((ONE, "gatepost"), (SCALE, "move"), (SCALE, "replica-1"))
    )
    assert (await one.run("key", "create", "--name", "written before", "--role", "admin")).status == 0
    moved = await move.run()
    assert (moved.status, "Digest" in moved.out) == (0, True), moved
    assert "written before" in (await replica.run("key", "list")).out


def test_dotenv_is_read_as_compose_reads_it() -> None:
    assert variables("A=b\nC='d $e'\nF=") == {"A": "b", "C": "d $e", "F": ""}
    with pytest.raises(ValueError, match="not understood"):
        variables("A=$b")
