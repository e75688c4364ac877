"""An import that is killed at any moment and run again ends with the same content as one that was not."""

import os
import random
import re
import shlex
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

from tests.rows import rows_of
from tests.test_cli import command, environment
from tests.transfer.bringing import differences, digest
from tests.transfer.made_up import wordpress

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
KILLS = 20 if LONG else 3
COMMENTS = 20_000 if LONG else 4_000
MANY = 20_000
"""However busy the machine is, they are not all there before somebody can interrupt."""
CONFIGURATION = """
[database]
url = "sqlite:///{store}"
[sites.blog]
name = "A blog"
origins = ["https://blog.example"]
"""


def start(
    folder: Path, store: Path, file: Path, told: IO[bytes] | int = subprocess.DEVNULL
) -> "subprocess.Popen[bytes]":
    """`gatepost import` into a store, which says to `told` what it does."""
    (folder / "gatepost.toml").write_text(CONFIGURATION.format(store=store))
    return subprocess.Popen(
        command("import", "wordpress", str(file), "--yes"),
        cwd=folder,
        env=environment({}),
        stdout=subprocess.DEVNULL,
        stderr=told,
    )


def wait_for(running: "subprocess.Popen[bytes]", store: Path, comments: int) -> None:
    """Wait until the store has so many comments, or the process has ended."""
    while count(store) < comments and running.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            running.wait(0.01)


def kill_at(running: "subprocess.Popen[bytes]", store: Path, comments: int) -> None:
    """Kill the process once the store has so many comments, and see that it was at work until then."""
    wait_for(running, store, comments)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL


def count(store: Path) -> int:
    """How many comments the store has; none where there is no table yet."""
    if not store.exists():
        return 0
    with rows_of(f"sqlite:///{store}") as rows:
        if not rows.number("SELECT count(*) FROM sqlite_master WHERE name = 'imports'"):
            return 0
        return rows.number("SELECT count(*) FROM comments")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_whoever_is_killed_ends_with_the_same(tmp_path: Path) -> None:
    file, chance = tmp_path / "export.xml", random.Random(7)  # noqa: S311  # no secret
    file.write_bytes(b"".join(wordpress(COMMENTS)))
    clean, killed = tmp_path / "clean.db", tmp_path / "killed.db"
    assert start(tmp_path, clean, file).wait() == 0
    seen = []
    for _ in range(KILLS):
        kill_at(start(tmp_path, killed, file), killed, count(killed) + chance.randint(1, COMMENTS // KILLS))
        assert differences(f"sqlite:///{killed}") == []
        seen.append(count(killed))
    assert start(tmp_path, killed, file).wait() == 0
    assert sorted(set(seen)) == seen
    assert differences(f"sqlite:///{killed}") == []
    assert digest(f"sqlite:///{killed}") == digest(f"sqlite:///{clean}")
    _take_back(tmp_path, clean)
    assert count(clean) == 0
    assert start(tmp_path, clean, file).wait() == 0
    assert digest(f"sqlite:///{killed}") == digest(f"sqlite:///{clean}")


@pytest.mark.slow
def test_an_import_that_is_interrupted_has_said_how_to_take_it_back(tmp_path: Path) -> None:
    file, store, told = tmp_path / "export.xml", tmp_path / "gatepost.db", tmp_path / "told"
    file.write_bytes(b"".join(wordpress(MANY)))
    with told.open("wb") as into:
        running = start(tmp_path, store, file, into)
        wait_for(running, store, 1)
        running.send_signal(signal.SIGINT)
        assert running.wait() != 0
    assert 0 < count(store) < MANY
    assert differences(f"sqlite:///{store}") == []
    said = told.read_text()
    assert "Traceback" not in said
    found = re.search(r"also if it is interrupted: gatepost (.+)$", said, re.MULTILINE)
    assert found is not None
    subprocess.run(command(*shlex.split(found[1]), "--yes"), cwd=tmp_path, env=environment({}), check=True)
    assert count(store) == 0


def _take_back(folder: Path, store: Path) -> None:
    """`gatepost import --undo` of the one import that the store holds."""
    with rows_of(f"sqlite:///{store}") as rows:
        ((batch,),) = rows.execute("SELECT DISTINCT batch FROM imports").fetchall()
    (folder / "gatepost.toml").write_text(CONFIGURATION.format(store=store))
    subprocess.run(command("import", "--undo", batch, "--yes"), cwd=folder, env=environment({}), check=True)
