"""An import that is killed at any moment and run again ends with the same content as one that was not."""

import os
import random
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.rows import rows_of
from tests.test_cli import command, environment
from tests.transfer.bringing import differences, digest
from tests.transfer.made_up import wordpress

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
KILLS = 20 if LONG else 3
COMMENTS = 20_000 if LONG else 4_000
CONFIGURATION = """
[database]
url = "sqlite:///{store}"
[sites.blog]
name = "A blog"
origins = ["https://blog.example"]
"""


def start(folder: Path, store: Path, file: Path) -> "subprocess.Popen[bytes]":
    """`gatepost import` into a store."""
    (folder / "gatepost.toml").write_text(CONFIGURATION.format(store=store))
    return subprocess.Popen(
        command("import", "wordpress", str(file), "--yes"),
        cwd=folder,
        env=environment({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_at(running: "subprocess.Popen[bytes]", store: Path, comments: int) -> None:
    """Kill the process once the store has so many comments, and see that it was at work until then."""
    while count(store) < comments and running.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            running.wait(0.01)
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


def _take_back(folder: Path, store: Path) -> None:
    """`gatepost import --undo` of the one import that the store holds."""
    with rows_of(f"sqlite:///{store}") as rows:
        ((batch,),) = rows.execute("SELECT DISTINCT batch FROM imports").fetchall()
    (folder / "gatepost.toml").write_text(CONFIGURATION.format(store=store))
    subprocess.run(command("import", "--undo", batch, "--yes"), cwd=folder, env=environment({}), check=True)
