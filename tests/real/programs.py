"""Starts programs that nobody here wrote, each as one process that ends with its test, and says which are missing."""

import asyncio
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

PATIENCE_SECONDS = 60
"""How long anybody here waits for what must come."""


def need(*programs: str, install: str) -> None:
    """Skip the test where one of `programs` is not on this machine; `install` is the command that brings it."""
    missing = [program for program in programs if shutil.which(program) is None and not Path(program).exists()]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not here: {install}")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        return int(placeholder.getsockname()[1])


async def finish(*command: str, folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a command to its end; its standard output. Fails with everything it said where its status is not 0."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    assert process.returncode == 0, f"{command[0]}: {said.decode()}{complained.decode()}"
    return said.decode()


@asynccontextmanager
async def running(
    *command: str, folder: Path, ready: int | Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[None]:
    """Run a server while the block lasts. It is ready when the port `ready` answers, or the socket file is there.

    It has a process group of its own: PHP's server leaves its workers behind where only the first process is ended.
    """
    said = folder / f"{Path(command[0]).name}.log"
    with said.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await _answers(ready):
                assert process.returncode is None, f"{command[0]} ended: see {said}"
                await asyncio.sleep(0.05)
        yield
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await process.wait()


async def _answers(ready: int | Path) -> bool:
    try:
        if isinstance(ready, Path):
            _, writer = await asyncio.open_unix_connection(ready)
        else:
            _, writer = await asyncio.open_connection("127.0.0.1", ready)
    except OSError:
        return False
    writer.close()
    return True
