"""Whether scheduled backups can be written is known before the first one fails."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.checkup.finding import Finding, Outcome
from tests.checkup.checked import FAIL, WARN, examine
from tests.harness import Hands

OK = Outcome.OK
JANUARY_3 = round(datetime(2026, 1, 3, tzinfo=UTC).timestamp() * 1000)


async def said(configured: dict[str, Any], clock: Hands, directory: Path | str) -> Finding:
    configured["backup"] = {"directory": str(directory)}
    (found,) = [finding for finding in await examine(configured, clock) if finding.subject == "backup"]
    return found


def content_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_folder_that_takes_a_file_is_fine_and_left_as_it_was(
    configured: dict[str, Any], clock: Hands, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    found = await said(configured, clock, folder)
    assert (found.outcome, found.text.startswith(f"can be written to {folder}, ")) == (OK, True), found
    assert "MB free" in found.text
    assert content_of(folder) == []


async def test_folder_that_the_first_backup_makes_is_fine_and_not_made(
    configured: dict[str, Any], clock: Hands, tmp_path: Path
) -> None:
    found = await said(configured, clock, tmp_path / "backups")
    assert (found.outcome, "(made by the first backup)" in found.text) == (OK, True), found
    assert not (tmp_path / "backups").exists()


@pytest.mark.parametrize(
    ("place", "words", "fix"),
    [
        ("/proc/backups", "No such file or directory", "make /proc, or"),
        ("/sys/kernel", "sys/kernel cannot be written (", "may write"),
        ("{folder}/deep/backups", "No such file or directory", "make {folder}/deep, or correct backup.directory"),
        ("{folder}/file", "Not a directory", "set backup.directory to a folder, not to a file"),
        ("{folder}/file/below", "Not a directory", "set backup.directory to a folder, not to a file"),
    ],
)
async def test_folder_that_takes_no_file_is_found_with_the_reason_and_the_user(
    configured: dict[str, Any], clock: Hands, tmp_path: Path, place: str, words: str, fix: str
) -> None:
    (tmp_path / "file").touch()
    found = await said(configured, clock, place.format(folder=tmp_path))
    assert (found.outcome, words in found.text) == (FAIL, True), found
    assert f"this process is user {os.geteuid()}" in found.text
    if place != "/proc/backups":
        assert fix.format(folder=tmp_path) in found.fix


async def test_folder_without_room_for_one_more_is_found(
    configured: dict[str, Any], clock: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    found = await said(configured, clock, tmp_path)
    assert (found.outcome, "the next one needs about" in found.text, "backup.keep" in found.fix) == (WARN, True, True)


async def test_nothing_is_said_where_backups_are_off(configured: dict[str, Any], clock: Hands) -> None:
    assert [finding for finding in await examine(configured, clock) if finding.subject == "backup"] == []


async def test_newest_backup_that_is_suspect_is_told_until_one_is_sound(
    configured: dict[str, Any], clock: Hands, tmp_path: Path
) -> None:
    clock.now = JANUARY_3
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "gatepost-20260101T000000Z.db").touch()
    (folder / "gatepost-20260102T000000Z.suspect.db").touch()
    configured["backup"] = {"directory": str(folder)}
    can_be_written, suspect = [found for found in await examine(configured, clock) if found.subject == "backup"]
    assert (can_be_written.outcome, suspect.outcome) == (OK, WARN)
    assert "gatepost-20260102T000000Z.suspect.db, is suspect" in suspect.text
    assert "gatepost db verify" in (suspect.fix or "")
    (folder / "gatepost-20260103T000000Z.db").touch()
    assert (await said(configured, clock, folder)).outcome == OK


async def test_newest_backup_that_is_older_than_it_may_be_is_told(
    configured: dict[str, Any], clock: Hands, tmp_path: Path
) -> None:
    clock.now = JANUARY_3 + 47 * 3_600_000
    (tmp_path / "gatepost-20260103T000000Z.db").touch()
    assert (await said(configured, clock, tmp_path)).outcome == OK
    clock.advance(seconds=3_600)
    _, late = [found for found in await examine(configured, clock) if found.subject == "backup"]
    assert (late.outcome, "is 48 hours old; one is made every 24" in late.text) == (WARN, True), late
