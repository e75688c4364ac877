"""A full, limited, read-only or locked SQLite file under the whole service: it says so, reads go on, it recovers by
itself; and a second server on the file does not start."""

import asyncio
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from service.store.sqlite import SqliteEngine
from tests.conftest import StartGatepost
from tests.faults.process import PATIENCE_SECONDS, Service
from tests.harness import Answer, Gatepost, Person

pytestmark = pytest.mark.own_engines
LONG = "A long comment. " * 500
MAX_TURNS = 2000
"""More writes than any store here has room for."""
Prepared = Callable[[Path], Awaitable["Served"]]


@dataclass
class Served:
    """A service in a process of its own, and who talks to it."""

    service: Service
    session: aiohttp.ClientSession

    @property
    def reader(self) -> Person:
        """Somebody with something to say."""
        return self.service.person(self.session, "ada")

    @property
    def moderator(self) -> Person:
        """Somebody who decides."""
        return self.service.person(self.session, "mo", roles=["moderator"])

    async def is_ready(self) -> bool:
        """What readiness says, when it looks again."""
        return (await Person(self.session).get("/health/ready")).status == 200

    async def approved(self, text: str) -> str:
        """The id of a comment that everybody reads."""
        comment = (await self.reader.submit(text)).json["comment"]
        assert (await self.moderator.decide(comment["id"], "approve", 1)).status == 201
        return str(comment["id"])

    async def shown(self) -> list[str]:
        """The texts that readers see."""
        listed = await Person(self.session).get("posts/post/comments")
        return [comment["html"] for comment in listed.json["comments"]]


@pytest.fixture
async def serve() -> AsyncIterator[Prepared]:
    """Starts a service on a store in a folder."""
    async with AsyncExitStack() as stack:

        async def start(folder: Path) -> Served:
            service = Service(folder, f"sqlite:///{folder}/gatepost.db", {"busy_seconds": 0})
            await service.start()
            stack.push_async_callback(service.make_sure_it_ended)
            return Served(service, await stack.enter_async_context(aiohttp.ClientSession(service.address)))

        yield start


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Asks again until it holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():
            pass


async def refused(served: Served) -> Answer:
    """Submits until the store takes no more; the first refusal."""
    for turn in range(MAX_TURNS):
        answer = await served.reader.submit(f"{turn} {LONG}", post=f"post {turn}")
        if answer.status != 202:
            return answer
    raise AssertionError("the store never filled up")


async def assert_it_suffers_and_recovers(served: Served, mend: Callable[[], None]) -> None:
    """The store takes no writes now; `mend` ends that."""
    answer = await refused(served)
    assert (answer.status, answer.code) == (503, "store-unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    await until(lambda: _is_not_ready(served))
    assert await served.shown() == ['<p dir="auto">Here before</p>\n']
    mend()
    await until(served.is_ready)
    assert (await served.reader.submit("Here again")).status == 202


async def _is_not_ready(served: Served) -> bool:
    return not await served.is_ready()


# --- No room ----------------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk; the size limit below is much the same")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.slow
async def test_a_full_disk_is_said_and_survived(tmp_path: Path, serve: Prepared) -> None:
    with small_disk(tmp_path):
        filler = tmp_path / "filler"
        served = await serve(tmp_path)
        await served.approved("Here before")
        filler.write_bytes(b"x" * 1_200_000)
        await assert_it_suffers_and_recovers(served, filler.unlink)
        assert await served.service.end(signal.SIGTERM) == 0


@pytest.mark.slow
async def test_a_size_limit_is_said_and_survived(tmp_path: Path, serve: Prepared) -> None:
    served = await serve(tmp_path)
    assert served.service.process is not None
    process = served.service.process.pid
    await served.approved("Here before")
    no_limit = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (_largest(tmp_path) + 100_000, no_limit[1]))

    def lift() -> None:
        resource.prlimit(process, resource.RLIMIT_FSIZE, no_limit)

    await assert_it_suffers_and_recovers(served, lift)


def _largest(folder: Path) -> int:
    return max(path.stat().st_size for path in folder.glob("gatepost.db*"))


# --- No leave ---------------------------------------------------------------------------------------------------------


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
"""


@pytest.mark.slow
async def test_a_file_locked_by_another_program_is_said_and_survived(tmp_path: Path, serve: Prepared) -> None:
    served = await serve(tmp_path)
    await served.approved("Here before")
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD, tmp_path / "gatepost.db"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert await other.stdout.readline() == b"held\n"
    await assert_it_suffers_and_recovers(served, other.stdin.close)
    await other.wait()


async def _set(gatepost: Gatepost, setting: str) -> None:
    engine = gatepost.running.database._engine
    assert isinstance(engine, SqliteEngine)
    await engine._writer.start(lambda connection: connection.execute(f"PRAGMA {setting}").fetchall())


@pytest.mark.sqlite_only(reason="a pragma of SQLite's makes the store read-only")
async def test_a_read_only_store_is_said_and_survived(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost()
    await gatepost.approved("Here before")
    waiting = (await gatepost.reader("ada").submit("Waiting")).json["comment"]
    await _set(gatepost, "query_only = 1")
    for answer in (
        await gatepost.reader("ada").submit("Now"),
        await gatepost.moderator().decide(waiting["id"], "approve", 1),
        await gatepost.reader("ada").edit(waiting["id"], "Better", 1),
        await gatepost.reader("ada").withdraw(waiting["id"]),
    ):
        assert (answer.status, answer.code) == (503, "store-unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    await until(lambda: _is_not(gatepost))
    assert [comment["html"] for comment in (await gatepost.public())["comments"]] == ['<p dir="auto">Here before</p>\n']
    assert (await gatepost.moderator().get("queue")).json["total"] == 1
    await _set(gatepost, "query_only = 0")
    await until(lambda: _is(gatepost))
    assert (await gatepost.moderator().decide(waiting["id"], "approve", 1)).status == 201


async def _is(gatepost: Gatepost) -> bool:
    gatepost.clock.advance(seconds=2)
    return (await gatepost.visitor.get("/health/ready")).status == 200


async def _is_not(gatepost: Gatepost) -> bool:
    return not await _is(gatepost)


# --- Two servers ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_second_server_on_the_file_refuses_in_one_line(tmp_path: Path, serve: Prepared) -> None:
    served = await serve(tmp_path)
    (tmp_path / "second").mkdir()
    second = Service(tmp_path / "second", served.service.url)
    with pytest.raises(RuntimeError, match="another Gatepost is using this file"):
        await second.start()
    assert await second.ended() == 1
    assert len(second.complaints) == 1
    assert await served.is_ready()
