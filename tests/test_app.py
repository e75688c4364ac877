"""Starting and stopping the whole service: nothing acknowledged is lost, nothing stays half open, one line says why."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from service import app, settings
from service.model import system_clock
from service.settings import SettingsError
from service.store.database import Database
from service.store.engine import StoreError
from tests.conftest import StartGatepost
from tests.harness import AUDIENCE, ISSUER, SECRET, Gatepost, Hands, Person, configuration, token

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 30
"""How long a test waits for a process: only a broken one takes so long."""


@contextmanager
def locked(store: Path) -> Iterator[sqlite3.Connection]:
    """The store, held by another program until the end (or until it rolls back)."""
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


async def until(condition: Callable[[], bool]) -> None:
    """Lets everything else run until `condition` holds."""
    turned, loop = asyncio.Event(), asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            turned.clear()
            loop.call_soon(turned.set)
            await turned.wait()


async def checks(gatepost: Gatepost) -> tuple[int, dict[str, str]]:
    """What readiness says: its status and each check's."""
    answer = await gatepost.visitor.get("/health/ready")
    return answer.status, {name: entries[0]["status"] for name, entries in answer.json["checks"].items()}


# --- Listening --------------------------------------------------------------------------------------------------------


async def test_two_colons_are_every_address_of_the_machine(start_gatepost: StartGatepost) -> None:
    """And who comes over IPv4 is known by that address: to be trusted as a proxy, to be counted."""
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")

    def change(settings: dict[str, Any]) -> None:
        settings["server"].update(host="::", trusted_proxies=["127.0.0.1"])
        settings["limits"] = {"read_per_address": "1/hour"}

    gatepost = await start_gatepost(change=change)
    port = gatepost.running.address.rpartition(":")[2]

    async def read(host: str, **headers: str) -> int:
        address = f"http://{host}:{port}/v1/sites/blog/counts?post=p"
        async with gatepost.session.get(address, headers=headers) as answer:
            return answer.status

    assert [await read("[::1]") for _ in range(2)] == [200, 429]
    assert [await read("127.0.0.1") for _ in range(2)] == [200, 429]
    forwarded = [await read("127.0.0.1", **{"X-Forwarded-For": f"203.0.113.{number}"}) for number in (1, 2, 1)]
    assert forwarded == [200, 200, 429]


async def test_a_name_with_several_addresses_is_listened_on_at_each(start_gatepost: StartGatepost) -> None:
    gatepost = await start_gatepost(change=lambda settings: settings["server"].update(host="localhost"))
    port = gatepost.running.address.rpartition(":")[2]
    names = {str(found[4][0]) for found in socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)}
    for name in names:
        host = f"[{name}]" if ":" in name else name
        async with gatepost.session.get(f"http://{host}:{port}/health/live") as answer:
            assert answer.status == 200


# --- Stopping ---------------------------------------------------------------------------------------------------------


async def test_while_draining_readiness_is_red_and_everything_else_is_served(gatepost: Gatepost) -> None:
    assert (await checks(gatepost))[0] == 200
    stopping = asyncio.create_task(gatepost.running.stop(drain_seconds=PATIENCE_SECONDS * 10))
    await until(lambda: gatepost.running.health.draining)
    status, found = await checks(gatepost)
    assert (status, found["process:draining"], found["store:write"]) == (503, "fail", "pass")
    assert (await gatepost.visitor.get("/health/live")).status == 200
    submitted = await gatepost.reader("ada").submit("Just in time")
    assert (submitted.status, submitted.headers["Connection"]) == (202, "close")
    stopping.cancel()


async def test_a_request_in_hand_is_finished(start_gatepost: StartGatepost, store_path: Path) -> None:
    gatepost = await start_gatepost()
    database = gatepost.running.database
    await checks(gatepost)  # by now the jobs have had their first turn, and no other write can be taken for ours
    with locked(store_path) as other:
        submitting = asyncio.create_task(gatepost.reader("ada").submit("Hold the door"))
        await until(lambda: not database._commits._is_idle.is_set())
        stopping = asyncio.create_task(gatepost.running.stop(drain_seconds=0))
        await until(lambda: gatepost.running.health.draining)
        other.execute("ROLLBACK")
    assert (await submitting).status == 202
    await stopping
    again = await start_gatepost()
    assert [entry["comment"]["body"] for entry in (await again.moderator().get("queue")).json["entries"]] == [
        "Hold the door"
    ]


async def test_after_stopping_nobody_answers_and_the_store_is_free(gatepost: Gatepost, store_path: Path) -> None:
    await gatepost.running.stop(drain_seconds=0)
    with pytest.raises(aiohttp.ClientConnectorError):
        await gatepost.visitor.get("/health/live")
    await gatepost.running.stop(drain_seconds=0)
    database = await Database.open(f"sqlite:///{store_path}", clock=gatepost.clock)
    await database.close()


async def test_a_part_that_cannot_be_closed_keeps_nothing_else_open(gatepost: Gatepost, store_path: Path) -> None:
    async def broken() -> None:
        raise RuntimeError("a bug")

    gatepost.running._life.closes("a part", broken)
    with capture_logs() as events:
        await gatepost.running.stop(drain_seconds=0)
    assert [event["part"] for event in events if event["event"] == "service.close_failed"] == ["a part"]
    with pytest.raises(aiohttp.ClientConnectorError):
        await gatepost.visitor.get("/health/live")
    database = await Database.open(f"sqlite:///{store_path}", clock=gatepost.clock)
    await database.close()


# --- Starting ---------------------------------------------------------------------------------------------------------


def _short_secret(wanted: dict[str, Any]) -> None:
    wanted["sites"]["blog"]["login"][0]["secret"] = "short"


def _no_key_in_file(wanted: dict[str, Any]) -> None:
    login = wanted["sites"]["blog"]["login"][0]
    login.pop("secret")
    login.update(algorithms=["RS256"], public_key_file="/nowhere/key.pem")


@pytest.mark.parametrize(
    ("spoil", "said"), [(_short_secret, "at least 32 are needed"), (_no_key_in_file, "/nowhere/key.pem")]
)
async def test_a_login_that_cannot_work_stops_the_start_and_leaves_nothing_open(
    store_path: Path, clock: Hands, spoil: Callable[[dict[str, Any]], None], said: str
) -> None:
    wanted = configuration(f"sqlite:///{store_path}")
    spoil(wanted)
    with pytest.raises(SettingsError) as refusal:
        await app.start(settings.parse(wanted), clock=clock)
    assert said in str(refusal.value)
    assert "sites.blog.login" in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
    await (await app.start(settings.parse(configuration(f"sqlite:///{store_path}")), clock=clock)).stop(drain_seconds=0)


async def test_a_taken_port_stops_the_start_and_leaves_nothing_open(store_path: Path, clock: Hands) -> None:
    wanted = configuration(f"sqlite:///{store_path}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted["server"]["port"] = taken.getsockname()[1]
        with pytest.raises(OSError, match="already in use"):
            await app.start(settings.parse(wanted), clock=clock)
    running = await app.start(settings.parse(wanted), clock=clock)
    assert running.address.endswith(f":{wanted['server']['port']}")
    await running.stop(drain_seconds=0)


async def test_a_second_service_on_the_store_does_not_start(gatepost: Gatepost, store_path: Path) -> None:
    wanted = settings.parse(configuration(f"sqlite:///{store_path}"))
    with pytest.raises(StoreError, match="another Gatepost is using this file"):
        await app.start(wanted, clock=gatepost.clock)
    assert (await checks(gatepost))[0] == 200


# --- Running ----------------------------------------------------------------------------------------------------------


async def test_a_store_that_takes_no_writes_turns_readiness_red_and_reads_go_on(
    start_gatepost: StartGatepost, store_path: Path
) -> None:
    gatepost = await start_gatepost(change=lambda wanted: wanted["database"].update(busy_seconds=0))
    await gatepost.approved("Still here")
    with locked(store_path):
        status, found = await checks(gatepost)
        assert (status, found["store:write"]) == (503, "fail")
        refused = await gatepost.reader("ada").submit("Not now")
        assert (refused.status, refused.code) == (503, "store-unavailable")
        assert int(refused.headers["Retry-After"]) > 0
        assert [comment["html"] for comment in (await gatepost.public())["comments"]] == [
            '<p dir="auto">Still here</p>\n'
        ]
        assert (await gatepost.visitor.get("/health/live")).status == 200
    gatepost.clock.advance(seconds=1)  # one probe answers for a second
    assert (await checks(gatepost))[0] == 200
    assert (await gatepost.reader("ada").submit("Now")).status == 202


# --- As a process -----------------------------------------------------------------------------------------------------


@dataclass
class Served:
    """`gatepost serve` in a process of its own."""

    process: asyncio.subprocess.Process
    session: aiohttp.ClientSession

    def reader(self, name: str, **claims: Any) -> Person:
        """Somebody logged in at the blog."""
        return Person(self.session, {"Authorization": f"Bearer {token(name, now=system_clock(), **claims)}"})

    async def end(self, number: int) -> int:
        """Sends a signal; the exit status."""
        self.process.send_signal(number)
        await self.session.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode


Serve = Callable[[], Awaitable[Served]]


def _toml(store: Path, *, port: int = 0, secret: str = SECRET) -> str:
    return f"""
        [server]
        port = {port}
        drain_seconds = 0
        [database]
        url = "sqlite:///{store}"
        [sites.blog]
        name = "A blog"
        [[sites.blog.login]]
        kind = "jwt"
        algorithms = ["HS256"]
        secret = "{secret}"
        issuer = "{ISSUER}"
        audience = "{AUDIENCE}"
    """


async def _spawn(config: Path) -> asyncio.subprocess.Process:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEPOST_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "serve", "--config", str(config)),
        cwd=config.parent,
        env={**kept, "PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Starts the command on one and the same store, again and again."""
    config = tmp_path / "gatepost.toml"
    config.write_text(_toml(tmp_path / "served.db"))
    async with AsyncExitStack() as stack:

        async def start() -> Served:
            process = await _spawn(config)
            stack.push_async_callback(_make_sure_it_ended, process)
            assert process.stderr is not None
            async with asyncio.timeout(PATIENCE_SECONDS):
                started = json.loads(await process.stderr.readline())
            assert started["event"] == "service.started"
            session = await stack.enter_async_context(aiohttp.ClientSession(started["address"]))
            return Served(process, session)

        yield start


async def _make_sure_it_ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_polite_signal_ends_the_process_with_0(serve: Serve, number: int) -> None:
    served = await serve()
    assert (await served.reader("ada").submit("Before the end")).status == 202
    assert await served.end(number) == 0


@pytest.mark.slow
async def test_after_kill_9_it_starts_without_help_and_has_lost_nothing(serve: Serve) -> None:
    key = {"Idempotency-Key": "across the crash"}
    served = await serve()
    submitted = await served.reader("ada").submit("Acknowledged", headers=key)
    decided = await served.reader("mo", roles=["moderator"]).decide(submitted.json["comment"]["id"], "approve", 1)
    assert (submitted.status, decided.status) == (202, 201)
    assert await served.end(signal.SIGKILL) == -signal.SIGKILL

    served = await serve()
    listed = await Person(served.session).get("posts/post/comments")
    assert [comment["html"] for comment in listed.json["comments"]] == ['<p dir="auto">Acknowledged</p>\n']
    again = await served.reader("ada").submit("Acknowledged", headers=key)
    assert (again.status, again.json, again.headers["Idempotency-Replayed"]) == (202, submitted.json, "true")
    assert await served.end(signal.SIGTERM) == 0


@pytest.mark.slow
async def test_what_stops_the_start_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        mistakes = {
            f"port {port}": _toml(tmp_path / "a.db", port=port),
            "at least 32 are needed": _toml(tmp_path / "b.db", secret="short"),
            "cannot be opened": _toml(tmp_path),
        }
        for said, text in mistakes.items():
            config = tmp_path / "wrong.toml"
            config.write_text(text)
            process = await _spawn(config)
            _, complaint = await process.communicate()
            assert process.returncode in {1, 2}
            assert said in complaint.decode()
            assert "Traceback" not in complaint.decode()
            assert len(complaint.decode().strip().splitlines()) == 1
