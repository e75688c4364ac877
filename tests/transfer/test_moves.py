"""A site that moves: by lossless files, without people, beside what is there, interrupted, and with bad lines."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from service.model import Action, AuthorKey, BatchId, CommentId, Identity, PostKey, Profile, SiteKey
from service.moderation import authors, decisions, lists, posts, restoring, submissions
from service.moderation.arriving import id_of
from service.moderation.decisions import Ruling
from service.moderation.lists import Wanted
from service.moderation.restoring import Holdings, NotForThisSiteError
from service.moderation.submissions import Draft
from service.store import earlier, staged
from service.store.database import Database
from service.store.snapshot import StoppedError, Watch
from service.transfer import bringing
from service.transfer.formats import gatepost
from service.transfer.opened import Source, SourceError
from service.transfer.reading import Wanted as Reading
from service.transfer.report import Report
from service.triage.lists.entry import ListKind
from tests.harness import Hands
from tests.rows import Rows, rows_of
from tests.store import scene
from tests.store.scene import MODERATOR
from tests.transfer.bringing import SITE, bring, comment, differences, digest
from tests.transfer.test_export import export, put_back, site_called
from tests.transfer.test_importing import THREADS, Stopping, many
from tests.triage.policies import of_rules, put

HOLDING = of_rules({"id": "all-wait", "title": "All wait", "when": [{}]})


@pytest.fixture
async def filled(tmp_path: Path, clock: Hands) -> str:
    """The address of an SQLite store with one of everything."""
    url = f"sqlite:///{tmp_path}/filled.db"
    await scene.fill(url, clock)
    return url


async def other(path: Path, clock: Hands) -> Database:
    """Another store, with nothing in it."""
    return await Database.open(f"sqlite:///{path}", clock=clock)


async def submit(database: Database, text: str = "Somebody was faster.") -> None:
    """A comment that somebody writes meanwhile."""
    who = Identity(SITE.key, "login", "zoe", Profile("Zoe"))
    draft = Draft(text, f"<p>{text}</p>")
    await database.write(submissions.submit, SITE.rules, PostKey("/one"), AuthorKey("zoe-key"), who, draft)


async def test_a_file_of_the_first_system_brings_nothing_new_after_a_move(
    database: Database, store_url: str, tmp_path: Path, clock: Hands
) -> None:
    await bring(database, THREADS)
    decided = CommentId(id_of(THREADS[0].created_at, "blog", "elsewhere", "1"))
    await database.write(decisions.decide, SITE.rules, Ruling(decided, Action.REJECT, 1), MODERATOR)
    there = await other(tmp_path / "there.db", clock)
    await put_back(there, export(store_url, tmp_path / "out.jsonl"))
    url = f"sqlite:///{tmp_path}/there.db"
    assert digest(url) == digest(store_url)
    again = await bring(there, [*THREADS, comment(10, parent=7, post="/two")], batch="again")
    assert (again.new, again.known) == (1, 8)
    changed = [comment(1, body="Now *so*."), comment(2, parent=1, body="Now *so*.")]
    anew = await bring(there, changed, batch="anew", updates=True)
    assert (anew.new, anew.updated, anew.kept) == (0, 1, 1)
    assert differences(url) == []
    staying = await bringing.undo(there, SITE.key, BatchId("a-batch"), Watch())
    await there.close()
    assert len(staying) == 2  # one was answered in the newer file, and answers the other
    assert differences(url) == []


async def test_an_export_without_people_brings_nothing_to_the_site_that_it_is_of(
    filled: str, tmp_path: Path, clock: Hands
) -> None:
    file = export(filled, tmp_path / "out.jsonl", people=False)
    database = await Database.open(filled, clock=clock)
    before = digest(filled)
    report = await put_back(database, file)
    assert (report.new, report.known, report.batch) == (0, report.comments, None)
    lines = file.read_bytes().splitlines()
    newer = next(
        found for line in lines if (found := json.loads(line).get("comment")) and found["status"] == "approved"
    )
    newer.update(parent=newer["id"], id="01900000-0000-7000-8000-000000000001", body="An answer there.")
    file.write_bytes(b"\n".join([*lines, json.dumps({"comment": newer}).encode()]))
    assert before == digest(filled)
    report = await put_back(database, file)
    await database.close()
    assert (report.new, report.said) == (1, [])
    assert differences(filled) == []


async def _is_banned(database: Database) -> None:
    await submit(database)
    await database.write(authors.judge, SITE.key, AuthorKey("zoe-key"), MODERATOR, changes={"banned_until": 1})


async def _has_a_closed_post(database: Database) -> None:
    await database.write(posts.set_open, SITE.key, PostKey("/one"), MODERATOR, is_open=False)


async def _has_a_policy(database: Database) -> None:
    await put(database, SITE.key, HOLDING)


async def _has_a_list(database: Database) -> None:
    await database.write(lists.put, SITE.key, "rivals", Wanted("Rivals", ListKind.WORDS), MODERATOR, expected=0)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (submit, "1 comments, 1 posts, 1 people"),
        (_is_banned, "1 people"),
        (_has_a_closed_post, "1 posts"),
        (_has_a_policy, "1 versions of the policy"),
        (_has_a_list, "1 lists"),
    ],
)
async def test_a_lossless_export_goes_only_where_nothing_is(
    filled: str,
    database: Database,
    store_url: str,
    tmp_path: Path,
    act: Callable[[Database], Awaitable[None]],
    said: str,
) -> None:
    file = export(filled, tmp_path / "out.jsonl")
    await act(database)
    before = digest(store_url)
    with pytest.raises(NotForThisSiteError, match=f"blog is not empty .*{said}.*without --people"):
        await put_back(database, file)
    assert digest(store_url) == before


async def test_the_comments_of_another_site_of_the_store_do_not_come_twice(
    filled: str, tmp_path: Path, clock: Hands
) -> None:
    file = export(filled, tmp_path / "out.jsonl")
    database = await Database.open(filled, clock=clock)
    with pytest.raises(NotForThisSiteError, match=r"on another site \(blog\)"):
        await put_back(database, file, site_called("fourth"))
    await database.close()


async def test_of_two_exports_only_one_begins(database: Database) -> None:
    post = {"key": "/", "open": True, "created_at": 1, **dict.fromkeys(("published_at", "pinned_title", "pinned_url"))}
    one, two = (Holdings(letter * 64, 0, posts=[post]) for letter in "ab")
    await database.write(restoring.begin, SITE.key, one)
    with pytest.raises(NotForThisSiteError, match="1 posts"):
        await database.write(restoring.begin, SITE.key, two)
    await database.write(restoring.begin, SITE.key, one)


@pytest.mark.parametrize("slices", [1, 3])
async def test_an_interrupted_move_goes_on_whatever_happened_meanwhile(
    database: Database, store_url: str, tmp_path: Path, clock: Hands, slices: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing, "SLICE", 40)
    await bring(database, many(200))
    file = export(store_url, tmp_path / "out.jsonl")
    there = await other(tmp_path / "there.db", clock)
    with pytest.raises(StoppedError):
        await _put_back_until(there, file, Stopping(slices))
    await submit(there)
    await _has_a_policy(there)
    report = await put_back(there, file, batch="gone on with")
    again = await put_back(there, file, batch="again")
    await there.close()
    url = f"sqlite:///{tmp_path}/there.db"
    assert report.new + report.known == report.comments
    assert (again.new, again.known) == (0, report.comments)
    with rows_of(url) as rows:
        assert rows.number("SELECT count(*) FROM comments") == report.comments + 1
        assert rows.number("SELECT count(*) FROM policies") == 1
    assert differences(url) == []


async def _put_back_until(database: Database, file: Path, watch: Watch) -> None:
    report = Report(site=SITE.key)
    with staged.opened() as stage:
        ready = bringing.prepare(
            Source([file]), gatepost.FORMAT, Reading(SITE), stage, report, Watch(), batch="a-batch"
        )
        await bringing.look(database, ready, stage, report, Watch())
        await bringing.write(database, ready, stage, report, watch)


async def test_an_import_is_taken_back_with_all_that_was_learned_of_it(
    database: Database, store_url: str, rows: Rows
) -> None:
    await put(database, SITE.key, HOLDING)
    await bring(database, [comment(1, body="See [there](https://there.example/).")])
    await earlier.keep(database, "somebody")
    assert rows.number("SELECT count(*) FROM linked_hosts") == 1
    assert await bringing.undo(database, SITE.key, BatchId("a-batch"), Watch()) == []
    assert (rows.number("SELECT count(*) FROM linked_hosts"), differences(store_url)) == (0, [])


# --- Lines that no store wrote ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An export of a site that has one of everything."""
    folder = tmp_path_factory.mktemp("ruled")
    url = f"sqlite:///{folder}/filled.db"
    asyncio.run(scene.fill(url, Hands()))
    return export(url, folder / "out.jsonl", SiteKey("ruled")).read_bytes()


def rewritten(file: Path, kind: str, change: Callable[[dict[str, Any]], object]) -> int:
    """Change the first line of a kind that `change` takes, as somebody would who knows of the digest; its number."""
    header, *lines = map(json.loads, file.read_bytes().splitlines())
    taken = (number for number, line in enumerate(lines, 2) if kind in line and change(line[kind]) is not False)
    number = next(taken)
    written = [f"{json.dumps(line, ensure_ascii=False)}\n".encode() for line in lines]
    header["digest"] = hashlib.sha256(b"".join(written)).hexdigest()
    file.write_bytes(b"".join([f"{json.dumps(header)}\n".encode(), *written]))
    return number


def _set(**values: Any) -> Callable[[dict[str, Any]], object]:
    return lambda found: found.update(values)


def _in(part: str, **values: Any) -> Callable[[dict[str, Any]], object]:
    """Change the first of some parts, where there is one."""

    def change(found: dict[str, Any]) -> bool:
        if found[part]:
            found[part][0].update(values)
        return bool(found[part])

    return change


def _facts(found: dict[str, Any]) -> bool:
    if found["judgements"]:
        found["judgements"][0]["said"]["facts"]["odd"] = float("nan")
    return bool(found["judgements"])


def _deep_facts(found: dict[str, Any]) -> bool:
    if found["judgements"]:
        found["judgements"][0]["said"]["facts"]["odd"] = json.loads("[" * 500 + "]" * 500)
    return bool(found["judgements"])


def _is_approved_and_never_published(found: dict[str, Any]) -> bool:
    if found["status"] == "approved":
        found.update(published_at=None, shown_at=None)
    return bool(found["status"] == "approved")


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("comment", _set(body="x" * 3_000_000), "comment.body"),
        ("comment", _set(body="x" * 10_001), "more than 10000 characters"),
        ("comment", _set(body="\0"), "comment.body"),
        ("comment", _set(name="A\x1bB"), "comment.name"),
        ("comment", _set(url="javascript:alert(1)"), "comment.url"),
        ("comment", _set(status="public"), "comment.status"),
        ("comment", _set(created_at=2**63), "comment.created_at"),
        ("comment", _set(version=2**63), "comment.version"),
        ("comment", _set(author=99), "no author 99"),
        ("comment", _set(post="elsewhere"), "no such post"),
        ("comment", _set(parent="01900000-0000-7000-8000-000000000001"), "parent is not there"),
        ("comment", _set(edit={"version": 1, "body": "x" * 10_001, "submitted_at": 1}), "more than 10000 characters"),
        ("comment", _in("decisions", action="praise"), "comment.decisions.0.action"),
        ("comment", _in("decisions", place=1_000), "place 1000"),
        ("comment", _in("decisions", undoes="01900000-0000-7000-8000-000000000001"), "undoes"),
        ("comment", _in("decisions", actor={"kind": "moderator", "name": "Mo"}), "somebody acted"),
        ("comment", _in("decisions", before={"status": "public"}), "comment.decisions.0.before"),
        ("comment", _in("judgements", said={}), "comment.judgements.0.said"),
        ("comment", _in("judgements", policy_version=2**40), "comment.judgements.0.policy_version"),
        ("comment", _in("judgements", priority=2_000_000_000), "comment.judgements.0.priority"),
        ("comment", _facts, "NaN"),
        ("comment", _is_approved_and_never_published, "it is approved"),
        ("comment", _deep_facts, "nests too deeply"),
        ("author", _set(avatar="//there.example"), "author.avatar"),
        ("policy", _set(document="[]"), "policy.document"),
        ("policy", _set(document="{}"), "policy.digest"),
        ("list", _in("entries", value="\u200b"), "list.entries.0"),
        ("list", _set(name="Not a name"), "list.name"),
        ("rule", _set(since=-1), "rule.since"),
    ],
)
def test_a_line_that_no_store_wrote_is_named(
    ruled: bytes, tmp_path: Path, kind: str, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    (tmp_path / "out.jsonl").write_bytes(ruled)
    number = rewritten(tmp_path / "out.jsonl", kind, change)
    with pytest.raises(SourceError, match=rf"line {number}: .*({said})") as refused:
        read_whole(tmp_path / "out.jsonl")
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("what", ["comment", "decision"])
def test_what_is_there_twice_is_named(ruled: bytes, tmp_path: Path, what: str) -> None:
    (tmp_path / "out.jsonl").write_bytes(ruled)
    ids: list[str] = []

    def doubled(found: dict[str, Any]) -> bool:
        one = found if what == "comment" else found["decisions"][0]
        ids.append(one["id"])
        one["id"] = ids[0]
        return len(ids) > 1

    number = rewritten(tmp_path / "out.jsonl", "comment", doubled)
    with pytest.raises(SourceError, match=f"line {number}: this id is there twice"):
        read_whole(tmp_path / "out.jsonl")


def read_whole(file: Path) -> None:
    """Read an export as `gatepost import gatepost` does before it writes anything."""
    with staged.opened() as stage:
        report = Report(site=SITE.key)
        bringing.prepare(Source([file]), gatepost.FORMAT, Reading(SITE), stage, report, Watch(), batch="a-batch")
