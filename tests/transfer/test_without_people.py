"""An export without people comes in: texts as they stand, authors as far as they can be told apart."""

from pathlib import Path

import pytest

from service.model import AuthorKey, Identity, PostKey, Profile
from service.moderation import submissions
from service.moderation.submissions import Draft
from service.store import staged
from service.store.database import Database
from service.store.snapshot import Watch
from service.transfer import bringing
from service.transfer.formats import gatepost
from service.transfer.opened import Source
from service.transfer.reading import Wanted
from service.transfer.report import Report
from tests.harness import Hands
from tests.rows import Rows
from tests.transfer.bringing import SITE, differences
from tests.transfer.test_export import export

AS_IT_STANDS = "A <b>tag</b>, ![a picture](https://there.example/a.png), <br> and &amp;."


@pytest.fixture
async def there(tmp_path: Path, clock: Hands) -> Database:
    """Another store, from which comments come."""
    return await Database.open(f"sqlite:///{tmp_path}/there.db", clock=clock)


async def write(database: Database, subject: str, name: str, text: str) -> None:
    """Somebody comments."""
    who = Identity(SITE.key, "login", subject, Profile(name))
    draft = Draft(text, f"<p>{text}</p>")
    await database.write(submissions.submit, SITE.rules, PostKey("/one"), AuthorKey(f"{subject}-key"), who, draft)


async def move(database: Database, folder: Path, *, login: str | None = None) -> None:
    """Export the other store without people, and import that here."""
    file = export(f"sqlite:///{folder}/there.db", folder / "out.jsonl", people=False)
    report = Report(site=SITE.key)
    with staged.opened() as stage:
        wanted = Wanted(SITE, login=login)
        ready = bringing.prepare(Source([file]), gatepost.FORMAT, wanted, stage, report, Watch(), batch="a-batch")
        await bringing.look(database, ready, stage, report, Watch())
        await bringing.write(database, ready, stage, report, Watch())


def names_of_authors(rows: Rows) -> list[tuple[str, int]]:
    """Of each author: the names that stand above their comments, and how many these are."""
    found: dict[str, list[str]] = {}
    for author, name in map(tuple, rows.execute("SELECT author, author_name FROM comments")):
        found.setdefault(author, []).append(name)
    return sorted((",".join(sorted(set(names))), len(names)) for names in found.values())


async def test_who_is_new_there_is_nobody_else_here(
    database: Database, there: Database, store_url: str, rows: Rows, tmp_path: Path
) -> None:
    """Authors are numbered anew in each export, and somebody who comes first moves all others on."""
    await write(there, "mo", "Mo", "One.")
    await write(there, "zoe", "Zoe", "Two.")
    await move(database, tmp_path)
    await write(there, "ada", "Ada", "Three.")
    await write(there, "mo", "Mo", "Four.")
    await move(database, tmp_path)
    await there.close()
    assert names_of_authors(rows) == [("Ada", 1), ("Mo", 2), ("Zoe", 1)]
    assert differences(store_url) == []


async def test_two_people_of_one_name_are_two(database: Database, there: Database, rows: Rows, tmp_path: Path) -> None:
    for number, subject in enumerate(("one", "two", "one")):
        await write(there, subject, "Ada", f"Text {number}.")
    await move(database, tmp_path)
    await there.close()
    assert names_of_authors(rows) == [("Ada", 1), ("Ada", 2)]


async def test_nobody_becomes_a_user_by_their_number(
    database: Database, there: Database, rows: Rows, tmp_path: Path
) -> None:
    await write(there, "mo", "Mo", "One.")
    await move(database, tmp_path, login="login")
    await there.close()
    assert [row[0] for row in rows.execute("SELECT namespace FROM authors")] == ["import:gatepost"]


async def test_a_text_stays_as_it_stands(database: Database, there: Database, rows: Rows, tmp_path: Path) -> None:
    await write(there, "mo", "Mo", AS_IT_STANDS)
    await move(database, tmp_path)
    await there.close()
    assert [row[0] for row in rows.execute("SELECT body FROM comments")] == [AS_IT_STANDS]
