"""`gatepost db` as an operator calls it: what it prints, what it leaves, and its exit status."""

import os
import pty
import re
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from service.model import PostKey, SiteKey
from service.store import digest, snapshot
from service.store.backup import AND_MORE, MOST_DIFFERENCES
from service.store.database import Database
from service.store.snapshot import Watch
from service.transfer import content
from tests.harness import Hands
from tests.rows import rows_of
from tests.store import long_post, scene
from tests.store.damage import change
from tests.store.test_digest import digest_of
from tests.test_cli import command, environment

Finished = subprocess.CompletedProcess[str]
Gatepost = Callable[..., Finished]
LONG = 2_000


@pytest.fixture
async def store(store_path: Path, clock: Hands) -> Path:
    """A store with one of everything."""
    await scene.fill(f"sqlite:///{store_path}", clock)
    return store_path


@pytest.fixture
def gatepost(store: Path) -> Gatepost:
    """Runs `gatepost db ...` on the store (or on `url`) to its end."""

    def run(*words: str, url: str = f"sqlite:///{store}", largest_file: int | None = None) -> Finished:
        def limit() -> None:
            if largest_file is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        finished = subprocess.run(
            command("db", *words),
            cwd=store.parent,
            env=environment({"GATEPOST_DATABASE__URL": url}),
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=limit,
        )
        assert "Traceback" not in finished.stderr, finished.stderr
        return finished

    return run


def told(store: str) -> list[str]:
    """How the commands describe a store."""
    found = digest_of(store)
    last = ", ".join(f"{site} {seq}" for site, seq in found.as_of.items())
    return [f"Digest {found.text}", f"Rows {found.rows}", f"Last event of each site: {last}"]


@pytest.mark.slow
def test_backup_verify_and_restore_tell_the_same_digest(gatepost: Gatepost, store: Path, tmp_path: Path) -> None:
    expected = told(f"sqlite:///{store}")
    backup, verify = gatepost("backup", "backups"), gatepost("verify")
    file, *rest = backup.stdout.splitlines()
    assert (backup.returncode, backup.stderr, rest) == (0, "", expected)
    assert re.fullmatch(r"backups/gatepost-\d{8}T\d{6}Z\.db", file)
    assert (verify.returncode, verify.stderr) == (0, "")
    with snapshot.of(f"sqlite:///{store}") as moment:
        sites = digest.of(moment, Watch()).as_of
        contents = [f"Content of {site}: {content.digest(moment, SiteKey(site), Watch())}" for site in sites]
    assert verify.stdout.splitlines() == [f"{store} is sound.", *expected, *contents]
    restored = gatepost("restore", file, url=f"sqlite:///{tmp_path}/drill.db")
    assert (restored.returncode, restored.stderr) == (0, "")
    assert restored.stdout.splitlines() == [f"{tmp_path}/drill.db holds what was backed up.", *expected]
    again = gatepost("restore", file)
    assert re.search(rf"^What was there before is {store}\.replaced-\d{{8}}T\d{{6}}Z\.$", again.stdout, re.MULTILINE)


@pytest.mark.slow
def test_a_running_service_is_backed_up_and_not_restored_into(gatepost: Gatepost, store: Path) -> None:
    with subprocess.Popen(
        command("serve"),
        cwd=store.parent,
        env=environment(
            {
                "GATEPOST_DATABASE__URL": f"sqlite:///{store}",
                "GATEPOST_SERVER__PORT": "0",
                "GATEPOST_SERVER__DRAIN_SECONDS": "0",
            }
        ),
        stderr=subprocess.PIPE,
        text=True,
    ) as service:
        assert service.stderr is not None
        assert "service.started" in service.stderr.readline()
        backup = gatepost("backup", ".")
        restored = gatepost("restore", backup.stdout.splitlines()[0])
        service.send_signal(signal.SIGTERM)
        assert service.wait() == 0
    assert backup.returncode == 0
    assert (restored.returncode, restored.stdout) == (1, "")
    assert "another Gatepost is using this file" in restored.stderr
    assert told(f"sqlite:///{store}") == backup.stdout.splitlines()[1:]


def test_a_damaged_store_is_told_line_by_line_and_has_a_suspect_backup(gatepost: Gatepost, store: Path) -> None:
    with rows_of(f"sqlite:///{store}") as rows:
        waiting = rows.number("SELECT count(*) FROM queue")
    change(f"sqlite:///{store}", "UPDATE posts SET count = 40", "DELETE FROM queue")
    verify, backup = gatepost("verify"), gatepost("backup", "backups")
    assert (verify.returncode, backup.returncode, backup.stdout) == (1, 1, "")
    lines = verify.stdout.splitlines()
    assert "posts.count: site blog, post quiet says 40, approved comments are 0" in lines
    assert len([line for line in lines if line.startswith("queue: comment ")]) == waiting
    assert verify.stderr == f"{store} has {len(lines)} differences: restore a backup\n"
    (file,) = (store.parent / "backups").iterdir()
    assert file.name.endswith(".suspect.db")
    assert len(lines) > MOST_DIFFERENCES
    assert backup.stderr.splitlines() == [
        f"backups/{file.name}: is a suspect backup, {store} has differences:",
        *lines[:MOST_DIFFERENCES],
        AND_MORE,
    ]
    told_of_it = gatepost("verify", url=f"sqlite:///{file}")
    assert (told_of_it.returncode, told_of_it.stdout.splitlines()) == (1, lines)
    refused = gatepost("restore", str(file), url=f"sqlite:///{store.parent}/new.db")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "is suspect, so restore it (--suspect) only where no other backup is sound" in refused.stderr
    restored = gatepost("restore", "--suspect", str(file), url=f"sqlite:///{store.parent}/new.db")
    assert restored.returncode == 0
    assert "It is suspect, and so is the database now" in restored.stdout
    assert restored.stdout.splitlines()[-3:] == told(f"sqlite:///{store}")


@pytest.mark.slow
def test_copy_to_postgresql_and_back_tells_the_same_digest(
    gatepost: Gatepost, store: Path, empty_postgres_url: str, tmp_path: Path
) -> None:
    expected = told(f"sqlite:///{store}")
    there = gatepost("copy", "--to", empty_postgres_url)
    back = gatepost("copy", "--to", f"sqlite:///{tmp_path}/back.db", url=empty_postgres_url)
    name = re.sub(r"postgres:@|\?.*", "", empty_postgres_url)
    assert there.stdout.splitlines() == [f"{name} holds what {store} does.", *expected]
    assert back.stdout.splitlines() == [f"{tmp_path}/back.db holds what {name} does.", *expected]
    assert (there.returncode, back.returncode, there.stderr, back.stderr) == (0, 0, "", "")
    assert told(f"sqlite:///{tmp_path}/back.db") == expected


@pytest.mark.slow
def test_restoring_into_postgresql_needs_an_empty_database_or_a_word(
    gatepost: Gatepost, store: Path, postgres_url: str
) -> None:
    file = gatepost("backup", ".").stdout.splitlines()[0]
    outcomes = [gatepost("restore", *words, file, url=postgres_url).returncode for words in ([], [], ["--replace"])]
    assert outcomes == [0, 1, 0]
    assert told(postgres_url) == told(f"sqlite:///{store}")


@pytest.mark.parametrize("target", ["backup.db", "mysql://there/gatepost", "sqlite:///:memory:"])
def test_a_target_that_is_no_store_is_the_commands_mistake(gatepost: Gatepost, target: str) -> None:
    finished = gatepost("copy", "--to", target)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.startswith("--to: write ")
    assert len(finished.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [["verify"], ["backup", "backups"], ["copy", "--to", "sqlite:///copy.db"]])
def test_a_store_that_is_not_there_is_one_clear_line_and_is_not_made(
    gatepost: Gatepost, tmp_path: Path, words: list[str]
) -> None:
    finished = gatepost(*words, url=f"sqlite:///{tmp_path}/missing.db")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.startswith(f"{tmp_path}/missing.db: is no store that can be read")
    assert len(finished.stderr.splitlines()) == 1
    assert not (tmp_path / "missing.db").exists()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_full_disk_leaves_no_backup_and_no_half_restored_store(gatepost: Gatepost, store: Path, share: float) -> None:
    """A limit on the size of files, which looks the same to whoever writes."""
    file = gatepost("backup", "backups").stdout.splitlines()[0]
    largest = int((store.parent / file).stat().st_size * share)
    (store.parent / "more").mkdir()
    before = digest_of(f"sqlite:///{store}")
    backup, restored = gatepost("backup", "more", largest_file=largest), gatepost("restore", file, largest_file=largest)
    assert (backup.returncode, restored.returncode, backup.stdout, restored.stdout) == (1, 1, "", "")
    assert [len(finished.stderr.splitlines()) for finished in (backup, restored)] == [1, 1]
    assert list((store.parent / "more").iterdir()) == []
    assert list(store.parent.glob("gatepost.db.re*")) == []
    assert digest_of(f"sqlite:///{store}") == before


def test_a_terminal_sees_how_far_it_is(store: Path) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command("db", "backup", "backups"),
        cwd=store.parent,
        env=environment({"GATEPOST_DATABASE__URL": f"sqlite:///{store}", "TERM": "xterm"}),
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        seen = b""
        while part := _read(ours):
            seen += part
        assert process.wait() == 0
    os.close(ours)
    for word in (b"Copying", b"Verifying", b"Reading", b"100%"):
        assert word in seen


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side has closed
        return b""


def test_what_an_older_release_rendered_is_rendered_anew(gatepost: Gatepost, store: Path) -> None:
    change(f"sqlite:///{store}", "UPDATE comments SET renderer = 1", "UPDATE revisions SET renderer = 1")
    first, again, verify = gatepost("render"), gatepost("render"), gatepost("verify")
    number = re.fullmatch(rf"{store}: (\d+) texts rendered anew\.\n", first.stdout)
    assert (first.returncode, first.stderr) == (0, "")
    assert number is not None
    assert int(number[1]) > 10
    assert (again.returncode, again.stdout) == (0, f"{store}: 0 texts rendered anew.\n")
    assert verify.returncode == 0


def test_nothing_is_rendered_where_no_store_is(gatepost: Gatepost, tmp_path: Path) -> None:
    rendered = gatepost("render", url=f"sqlite:///{tmp_path}/nowhere.db")
    assert (rendered.returncode, rendered.stdout) == (1, "")
    assert "nowhere.db: is no store that can be read" in rendered.stderr
    assert not (tmp_path / "nowhere.db").exists()


@pytest.fixture
async def long_store(store: Path, clock: Hands) -> Path:
    """The same with a long post, all of whose texts are of an older renderer."""
    database = await Database.open(f"sqlite:///{store}", clock=clock)
    await database.write(long_post.fill, PostKey("long"), long_post.many_roots(LONG))
    await database.close()
    change(f"sqlite:///{store}", "UPDATE comments SET renderer = 1 WHERE post = 'long'")
    return store


def test_a_killed_rendering_does_no_harm_and_goes_on(gatepost: Gatepost, long_store: Path) -> None:
    url, older = f"sqlite:///{long_store}", "SELECT count(*) FROM comments WHERE renderer = 1"
    known = gatepost("verify").stdout  # the long post was made without a record
    with (
        rows_of(url) as rows,
        subprocess.Popen(
            command("db", "render"), cwd=long_store.parent, env=environment({"GATEPOST_DATABASE__URL": url})
        ) as killed,
    ):
        while rows.number(older) == LONG:
            assert killed.poll() is None
        killed.kill()
        killed.wait()
        left = rows.number(older)
        again = gatepost("render")
        assert (killed.returncode, again.returncode) == (-signal.SIGKILL, 0)
        assert again.stdout == f"{long_store}: {left} texts rendered anew.\n"
        assert (left > 0, rows.number(older)) == (True, 0)
    assert gatepost("verify").stdout == known
