"""Whom the old system had blocked is banned here, where that is asked for."""

import json
from pathlib import Path

from service.model import FOREVER
from service.store.database import Database
from service.transfer import formats
from service.transfer.imported import Blocked
from service.transfer.opened import Source
from service.transfer.reading import Wanted
from tests.rows import Rows
from tests.transfer.bringing import SITE, bring, comment, differences

UNTIL = 1_893_456_000_000


def found(format_name: str, *files: Path) -> list[Blocked]:
    form = next(form for form in formats.FORMATS if form.name == format_name)
    return [one for one in form.read(Source(files)) if isinstance(one, Blocked)]


def written(file: Path, *values: object) -> Path:
    file.write_text("".join(f"{json.dumps(value)}\n" for value in values))
    return file


def test_remark42_says_it_in_its_first_line(tmp_path: Path) -> None:
    users = [
        {"id": "github_1", "blocked": {"status": True, "until": "2030-01-01T00:00:00Z"}},
        {"id": "github_2", "blocked": {"status": False, "until": "0001-01-01T00:00:00Z"}},
        {"id": "github_3", "blocked": {"status": True, "until": "0001-01-01T00:00:00Z"}},
        {"id": "github_4", "verified": True},
        {"blocked": {"status": True}},
        "nobody",
    ]
    file = written(tmp_path / "a", {"version": 1, "users": users, "posts": []})
    assert found("remark42", file) == [Blocked(1, "github_1", UNTIL), Blocked(1, "github_3", FOREVER)]


def test_coral_says_it_of_its_users(tmp_path: Path) -> None:
    comments = written(tmp_path / "comments", {"id": "c", "storyID": "s", "authorID": "u1", "revisions": []})
    users = written(
        tmp_path / "users",
        {"id": "u1", "username": "Ada", "status": {"ban": {"active": True, "history": []}}},
        {"id": "u2", "username": "Mo", "status": {"ban": {"active": False}}},
    )
    assert found("coral", comments, users) == [Blocked(1, "u1", FOREVER)]


async def test_who_is_new_here_is_banned_and_who_is_known_stays_as_they_are(
    database: Database, store_url: str, rows: Rows
) -> None:
    def banned() -> list[tuple[str, int | None]]:
        return list(map(tuple, rows.execute("SELECT subject, banned_until FROM authors ORDER BY subject")))

    blocked = [Blocked(1, "u1", UNTIL), Blocked(1, "u2", FOREVER), Blocked(1, "u9", FOREVER)]
    report = await bring(database, [*blocked, comment(1)])
    assert (report.blocked, banned()) == (3, [("u1", None)])
    await bring(database, [*blocked, comment(1), comment(2), comment(3), comment(4)], Wanted(SITE, bans=True))
    assert banned() == [("u0", None), ("u1", None), ("u2", FOREVER)]
    assert differences(store_url) == []
