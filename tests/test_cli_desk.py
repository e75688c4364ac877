"""`gatepost desk`, in a process of its own, beside the running service."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from service.model import system_clock
from tests.desk.visit import Visit, visit
from tests.harness import Gatepost
from tests.rows import rows_of
from tests.test_cli import CONFIGURATION, Finished, environment


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a configuration file."""
    (tmp_path / "gatepost.toml").write_text(CONFIGURATION)
    return tmp_path


async def run(folder: Path, store_url: str, *words: str, **variables: str) -> Finished:
    """The command to its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "desk", *words),
        cwd=folder,
        env=environment({"GATEPOST_DATABASE__URL": store_url, **variables}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    return Finished(words, process.returncode or 0, said.decode(), complained.decode())


async def _enter(gatepost: Gatepost, address: str) -> Visit:
    browser = visit(gatepost)
    path = "/" + address.strip().partition("://")[2].partition("/")[2]
    asked = await browser.get(path)
    assert asked.status == 200, asked.text
    await browser.post("/desk/blog/enter", code=asked.field("code"))
    return browser


async def test_a_link_signs_a_moderator_in_whom_no_login_knows(
    gatepost: Gatepost, folder: Path, store_url: str
) -> None:
    gatepost.clock.now = _now()
    asked = ("--site", "blog", "--subject", "mo", "--name", "Mo Lindgren")
    printed = await run(folder, store_url, *asked, GATEPOST_SERVER__PUBLIC_URL="https://comments.example")
    assert printed.returncode == 0, printed.stderr
    assert re.fullmatch(r"https://comments\.example/desk/blog/enter\?code=[\w-]{43}\n", printed.stdout)
    assert "Good once, until " in printed.stderr
    browser = await _enter(gatepost, printed.stdout)
    assert await browser.is_in()
    assert "Mo Lindgren" in (await browser.get("/desk/blog/")).text

    listed = await run(folder, store_url, "sessions")
    (_, line) = listed.stdout.splitlines()
    assert re.search(r"\bblog\s+Mo Lindgren\s+moderator\b", line)
    session_id = line.split()[0]
    ended = await run(folder, store_url, "sessions", "--revoke", session_id)
    assert (ended.returncode, ended.stdout) == (0, f"Session {session_id} has ended.\n")
    assert not await browser.is_in()
    again = await run(folder, store_url, "sessions", "--site", "blog", "--revoke", session_id)
    assert again.returncode == 1
    assert "there is no session" in again.stderr


async def test_the_same_subject_is_the_same_person_and_nobody_of_the_blog(
    gatepost: Gatepost, folder: Path, store_url: str
) -> None:
    gatepost.clock.now = _now()
    for name, role in (("Mo", "moderator"), ("Mo again", "admin")):
        asked = ("--site", "blog", "--subject", "mo", "--name", name, "--role", role)
        await _enter(gatepost, (await run(folder, store_url, *asked)).stdout)
    with rows_of(store_url) as rows:
        found = rows.execute("SELECT author, roles FROM desk_sessions ORDER BY made_at").fetchall()
    assert [roles for _, roles in found] == ["moderator", "admin"]
    assert len({author for author, _ in found}) == 1
    await gatepost.reader("mo").submit("Hello")
    comment = (await gatepost.moderator().get("queue")).json["entries"][0]["comment"]
    assert comment["author"]["key"] != found[0][0]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "give --site, --subject and --name"),
        (("--site", "blog", "--subject", "mo"), "give --site, --subject and --name"),
        (("--site", "nowhere", "--subject", "mo", "--name", "Mo"), 'there is no site "nowhere"'),
        (("--site", "blog", "--subject", "", "--name", "Mo"), "the subject must be a text of 1 to 255 characters"),
        (("--site", "blog", "--subject", "m" * 256, "--name", "Mo"), "the subject must be"),
        (("--site", "blog", "--subject", "mo", "--name", "\u200b"), "the name must have 1 to 200 characters"),
        (("--site", "blog", "--subject", "mo", "--name", "Mo", "--role", "king"), "moderator"),
        (("sessions", "--site", "nowhere"), 'there is no site "nowhere"'),
    ],
)
async def test_a_mistake_is_said_in_one_sentence(
    folder: Path, store_url: str, words: tuple[str, ...], complaint: str
) -> None:
    finished = await run(folder, store_url, *words)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert complaint in finished.stderr
    assert "Traceback" not in finished.stderr


def _now() -> int:
    """The command has the clock of the machine, so the service must have it too."""
    return system_clock()
