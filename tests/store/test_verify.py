"""Every kind of damage that `verify` knows, done by SQL or to the file's bytes: verify names it, and nothing else."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from service.store import snapshot, verify
from service.store.engine import StoreError
from service.store.snapshot import Watch
from tests.store.damage import change

ID = r"[0-9a-f-]{36}"


def differences(url: str) -> list[str]:
    """What verify says of a store."""
    with snapshot.of(url) as moment:
        return list(verify.differences(moment, Watch()))


def test_a_store_that_the_service_made_has_no_difference(filled_url: str) -> None:
    assert differences(filled_url) == []


def test_an_empty_store_has_no_difference(any_url: str) -> None:
    assert differences(any_url) == []


DAMAGE = [
    (
        "UPDATE posts SET count = count + 1 WHERE post = 'quiet'",
        ["posts.count: site blog, post quiet says 1, approved comments are 0"],
    ),
    (
        "UPDATE posts SET title = 'Nobody said so' WHERE post = 'quiet'",
        ["posts.title: site blog, post quiet is not called as its newest approved comment with a title calls it"],
    ),
    (
        "UPDATE posts SET url = NULL WHERE post = 'edited'",
        ["posts.url: site blog, post edited is not where its newest approved comment with an address says"],
    ),
    (
        "UPDATE queue SET folded = 'other words' WHERE post = 'quiet'",
        [f"queue.folded: comment {ID} waits, and searches do not look at the text that it has"],
    ),
    (
        "UPDATE authors SET approved = 7 WHERE site = 'blog' AND author = 'cy-key'",
        ["authors.approved: site blog, author cy-key says 7, approved comments are 1"],
    ),
    (
        "UPDATE authors SET rejected = 0 WHERE author = 'eve-key'",
        ["authors.rejected: site blog, author eve-key says 0, rejected comments and spam are 2"],
    ),
    (
        "UPDATE comments SET reply_count = 3 WHERE id = (SELECT parent_id FROM comments WHERE depth = 2)",
        [f"comments.reply_count: comment {ID} says 3, listed replies are 1"],
    ),
    (
        "UPDATE comments SET listed = NOT listed WHERE post = 'quiet'",
        [rf"comments.listed: comment {ID} says (True|1), but it is pending and has 0 listed replies"],
    ),
    (
        "UPDATE comments SET shown_at = NULL WHERE depth = 2",
        [f"comments.shown_at: comment {ID} is approved, and since when is not known: no feed can place it"],
    ),
    (
        "UPDATE comments SET published_at = NULL WHERE depth = 2",
        [f"comments.shown_at: comment {ID} is approved, and since when is not known: no feed can place it"],
    ),
    (
        "DELETE FROM queue WHERE post = 'quiet'",
        [
            rf"queue: comment {ID} \(pending\) waits for a moderator, and no reason says so",
            "sites.waiting: site blog says 3, queue entries are 2",
        ],
    ),
    (
        "UPDATE queue SET why = ' ' WHERE post = 'quiet'",
        [
            f"queue: the entry of comment {ID} has no reason",
            rf"queue: comment {ID} \(pending\) waits for a moderator, and no reason says so",
        ],
    ),
    (
        "UPDATE reasons SET code = 'reported' WHERE code = 'edited'",
        [
            f"queue.why: the entry of comment {ID} says 'edited', its reasons are 'reported'",
        ],
    ),
    (
        "UPDATE queue SET priority = 3 WHERE post = 'quiet'",
        [f"queue.priority: the entry of comment {ID} has 3, its reasons, rules and author 0"],
    ),
    (
        "UPDATE comments SET edit_body = NULL, edit_html = NULL, edit_version = NULL WHERE post = 'edited'",
        [
            f"reasons: comment {ID} is in the queue as 'edited', but it is approved and has no such text",
            f"queue.folded: comment {ID} waits, and searches do not look at the text that it has",
        ],
    ),
    (
        "INSERT INTO reasons (comment_id, code, source, source_kind, source_name, given_at)"
        " SELECT comment_id, 'restored', 'mo', 'moderator', 'Mo', 1 FROM queue WHERE post = 'edited'",
        [
            f"queue.why: the entry of comment {ID} says 'edited', its reasons are 'edited restored'",
        ],
    ),
    (
        "UPDATE queue SET author = 'mallory' WHERE post = 'quiet'",
        [f"queue: the entry of comment {ID} names another site, post or author than the comment"],
    ),
    (
        "DELETE FROM events WHERE site = 'blog' AND seq = (SELECT max(seq) FROM events WHERE site = 'blog')",
        [r"sites.event_seq: site blog says (\d+), its last event is \d+"],
    ),
    (
        "UPDATE sites SET event_seq = 99 WHERE site = 'open'",
        [r"sites.event_seq: site open says 99, its last event is \d+"],
    ),
    (
        "DELETE FROM sites WHERE site = 'open'",
        [r"sites: site open has \d+ events and no row"],
    ),
    (
        "DELETE FROM events WHERE site = 'blog' AND seq IN (3, 4)",
        [
            "events: site blog goes from 2 to 5",
            f"decisions: decision {ID} has no event 3 of its comment on site blog",
            f"decisions: decision {ID} has no event 4 of its comment on site blog",
        ],
    ),
    (
        "DELETE FROM events WHERE site = 'blog' AND seq = 1",
        [
            "events: site blog goes from 0 to 2",
            f"decisions: decision {ID} has no event 1 of its comment on site blog",
        ],
    ),
    (
        "UPDATE sites SET first_seq = 3 WHERE site = 'blog'",
        ["events: site blog goes from 2 to 1"],
    ),
    (
        "UPDATE events SET comment_id = (SELECT id FROM comments WHERE post = 'quiet') WHERE site = 'blog' AND seq = 1",
        [f"decisions: decision {ID} has no event 1 of its comment on site blog"],
    ),
    (
        "UPDATE decisions SET to_status = 'spam' WHERE comment_id = (SELECT id FROM comments WHERE post = 'quiet')",
        [f"decisions: comment {ID} is pending, its last decision led to spam"],
    ),
    (
        "DELETE FROM decisions WHERE comment_id = (SELECT id FROM comments WHERE post = 'quiet')",
        [f"decisions: comment {ID} is pending, its last decision led to None"],
    ),
    (
        "UPDATE comments SET body = 'what nobody wrote' WHERE post = 'quiet'",
        [f"comments.body_hash: the text of comment {ID} is not the one that was stored"],
    ),
    (
        "UPDATE comments SET parent_id = 'nobody' WHERE id = (SELECT id FROM comments WHERE post = 'quiet')",
        [f"comments: {ID} refers to comments nobody, which is not there"],
    ),
    (
        "UPDATE comments SET post = 'nowhere\n' WHERE post = 'quiet'",
        [
            rf"comments: {ID} refers to posts blog 'nowhere\\n', which is not there",
            f"queue: the entry of comment {ID} names another site, post or author than the comment",
        ],
    ),
    (
        "DELETE FROM authors WHERE author = 'dan-key'",
        [f"comments: {ID} refers to authors blog dan-key, which is not there"],
    ),
    (
        "UPDATE revisions SET comment_id = 'nobody'",
        [r"revisions: nobody \d+ refers to comments nobody, which is not there"],
    ),
    (
        "UPDATE queue SET comment_id = 'nobody' WHERE post = 'quiet'",
        [
            "queue: nobody refers to comments nobody, which is not there",
            rf"queue: comment {ID} \(pending\) waits for a moderator, and no reason says so",
        ],
    ),
    (
        "UPDATE decisions SET undoes = 'nothing' WHERE undoes IS NOT NULL",
        [f"decisions: {ID} refers to decisions nothing, which is not there"],
    ),
]


@pytest.mark.parametrize(("statement", "named"), DAMAGE, ids=[statement for statement, _ in DAMAGE])
def test_damage_is_named_and_nothing_else_is(filled_url: str, statement: str, named: list[str]) -> None:
    change(filled_url, statement)
    found = differences(filled_url)
    assert len(found) == len(named), found
    for line, pattern in zip(found, named, strict=True):
        assert re.fullmatch(pattern, line), line


def test_every_difference_is_told_and_each_on_one_line(filled_url: str) -> None:
    change(filled_url, "UPDATE posts SET count = count + 1", "UPDATE sites SET event_seq = event_seq + 1")
    found = differences(filled_url)
    assert [line.partition(":")[0] for line in found] == ["posts.count"] * 6 + ["sites.event_seq"] * 3
    assert not any("\n" in line for line in found)


def test_a_broken_index_is_found(filled_path: Path) -> None:
    with closing(sqlite3.connect(filled_path)) as file:
        ((root,),) = file.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_comments_parent'")
        ((size,),) = file.execute("PRAGMA page_size")
    with filled_path.open("r+b") as file_bytes:
        file_bytes.seek((root - 1) * size)
        file_bytes.write(bytes(size))
    found = differences(f"sqlite:///{filled_path}")
    assert any(line.startswith("integrity: ") for line in found)


def test_a_word_that_rotted_on_the_disk_is_found(filled_path: Path) -> None:
    """SQLite has no check sums: to it a text is as good as any other."""
    with closing(sqlite3.connect(filled_path)) as file:
        ((body,),) = file.execute("SELECT body FROM comments WHERE post = 'quiet'")
    whole = filled_path.read_bytes()
    assert whole.count(body.encode()) == 1
    filled_path.write_bytes(whole.replace(body.encode(), body.replace("quotes", "quotas").encode()))
    (line,) = differences(f"sqlite:///{filled_path}")
    assert re.fullmatch(f"comments.body_hash: the text of comment {ID} is not the one that was stored", line)


def test_a_store_of_another_schema_is_one_clear_line(filled_url: str) -> None:
    change(filled_url, "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(StoreError, match="has schema 0000, this Gatepost works with"):
        differences(filled_url)


def test_a_database_without_a_store_is_one_clear_line(empty_postgres_url: str, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    for url in (empty_postgres_url, f"sqlite:///{tmp_path}/empty.db"):
        with pytest.raises(StoreError, match="is not a Gatepost store"):
            differences(url)


def test_a_stopped_verification_ends(filled_url: str) -> None:
    watch = Watch()
    with snapshot.of(filled_url, watch) as moment:
        found = verify.differences(moment, watch)
        watch.end()
        with pytest.raises(snapshot.StoppedError):
            next(found)
