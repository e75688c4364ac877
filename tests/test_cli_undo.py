"""`gatepost undo`, in a process of its own, beside the running service."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.harness import Gatepost
from tests.moderation.test_bulk import ABSENT
from tests.moderation.test_undos import batch_of, statuses, waiting
from tests.test_cli import CONFIGURATION, Finished, environment


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a configuration file."""
    (tmp_path / "gatepost.toml").write_text(CONFIGURATION)
    return tmp_path


async def run(folder: Path, store_url: str, *words: str, answer: str = "") -> Finished:
    """The command to its end, with what somebody types."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "undo", *words),
        cwd=folder,
        env=environment({"GATEPOST_DATABASE__URL": store_url}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate(answer.encode())
    return Finished(words, process.returncode or 0, said.decode(), complained.decode())


async def test_a_batch_is_undone_beside_the_service_after_it_was_shown(
    gatepost: Gatepost, folder: Path, store_url: str
) -> None:
    ids = await waiting(gatepost, 3)
    batch = await batch_of(gatepost, ids)
    await gatepost.moderator().decide(ids[0], "approve", 2)
    asked = ("--batch", batch, "--site", "blog")
    refused = await run(folder, store_url, *asked, answer="n\n")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "To be undone: 2 decisions (2 spam). To stay: 1 newer-decision." in refused.stderr
    assert await statuses(gatepost, ids) == ["approved", "spam", "spam"]

    done = await run(folder, store_url, *asked, "--note", "by hand", answer="y\n")
    assert done.returncode == 0, done.stderr
    undone, stayed = done.stdout.splitlines()
    assert undone.startswith("Undone: 2, as batch ")
    assert stayed == f"Stayed: comment {ids[0]}, newer-decision"
    assert await statuses(gatepost, ids) == ["approved", "pending", "pending"]
    made = undone.removeprefix("Undone: 2, as batch ").rstrip(".")
    record = (await gatepost.moderator().get("decisions", params={"batch": made})).json["decisions"]
    assert {(line["actor"]["name"], line["note"]) for line in record} == {("Operator", "by hand")}

    nothing = await run(folder, store_url, *asked, "--yes")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "Nothing of this batch can be undone." in nothing.stderr
    back = await run(folder, store_url, "--batch", made, "--site", "blog", "--yes")
    assert back.stdout.startswith("Undone: 2, as batch "), back.stderr
    assert await statuses(gatepost, ids) == ["approved", "spam", "spam"]


async def test_an_unknown_batch_or_site_is_said_in_one_sentence(folder: Path, store_url: str) -> None:
    unknown = await run(folder, store_url, "--batch", ABSENT, "--site", "blog", "--yes")
    assert (unknown.returncode, unknown.stderr) == (1, "There is no such batch\n")
    elsewhere = await run(folder, store_url, "--batch", ABSENT, "--site", "nowhere", "--yes")
    assert elsewhere.returncode == 2
    assert 'there is no site "nowhere"' in elsewhere.stderr
