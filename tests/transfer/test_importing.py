"""Comments of another system come in once, in their threads, with their states and times, and can be taken back."""

import random
from pathlib import Path
from typing import Any

import pytest

from service.model import Action, BatchId, CommentId
from service.moderation import decisions
from service.moderation.arriving import id_of
from service.moderation.decisions import Ruling
from service.moderation.unimporting import Stay
from service.settings import parse
from service.store import earlier
from service.store.database import Database
from service.store.snapshot import StoppedError, Watch
from service.transfer import bringing
from service.transfer.imported import BodyFormat, ImportedComment, Kind, LeftOut, State
from service.transfer.keys import Keys, read_map
from service.transfer.reading import Wanted
from tests.harness import Gatepost, configuration
from tests.rows import Rows
from tests.store.scene import MODERATOR
from tests.transfer.bringing import SITE, bring, comment, differences, digest, on_stage

THREADS = [
    comment(1),
    comment(2, parent=1),
    comment(3, parent=2, state=State.PENDING),
    comment(4, parent=1, state=State.SPAM),
    comment(5, post="/two", state=State.REJECTED),
    comment(6, post="/two", state=State.DELETED),
    comment(7, post="/two", parent=6),
    comment(8, post="/two", state=State.DELETED),
    comment(9, state=State.PENDING),
]


def many(number: int) -> list[ImportedComment]:
    """Comments on some posts, in threads, in every state, in any order."""
    chance = random.Random(number)  # noqa: S311  # no secret
    states = [State.APPROVED] * 6 + [State.PENDING, State.SPAM, State.REJECTED, State.DELETED]
    found = []
    for one in range(1, number + 1):
        post = f"/post-{one % 7}"
        parent = one - 7 * chance.randint(1, 5) if chance.random() < 0.6 else 0
        found.append(comment(one, post=post, parent=parent if parent > 0 else None, state=chance.choice(states)))
    chance.shuffle(found)
    return found


def shape(rows: Rows, post: str) -> list[tuple[Any, ...]]:
    """The public thread of a post: the old ids with their depths and counted replies."""
    found = rows.execute(
        "SELECT i.source_id, c.depth, c.reply_count FROM comments AS c JOIN imports AS i ON i.comment_id = c.id"
        " WHERE c.post = ? AND c.listed ORDER BY c.root, c.path",
        (post,),
    )
    return list(map(tuple, found))


async def test_states_and_times_are_kept_and_the_store_is_sound(database: Database, store_url: str, rows: Rows) -> None:
    report = await bring(database, THREADS)
    assert (report.new, report.by_status) == (8, {"approved": 3, "deleted": 1, "pending": 2, "rejected": 1, "spam": 1})
    assert differences(store_url) == []
    found = list(map(tuple, rows.execute("SELECT status, created_at, published_at FROM comments ORDER BY created_at")))
    kept = [one for one in THREADS if one.source_id != "8"]  # deleted, and nothing stands on it
    assert [(status, created) for status, created, _ in found] == [(one.state.value, one.created_at) for one in kept]
    assert {published - created for status, created, published in found if status == "approved"} == {0}
    assert [row[0] for row in rows.execute("SELECT why FROM queue")] == [" imported "] * 2
    assert rows.number("SELECT waiting FROM sites WHERE site = 'blog'") == 2
    said = rows.execute("SELECT action, reason, actor_kind FROM decisions ORDER BY created_at")
    actions = ["approve", "approve", "hold", "spam", "reject", "delete", "approve", "hold"]
    assert list(map(tuple, said)) == [(action, "imported from elsewhere", "system") for action in actions]


async def test_one_event_for_each_post_and_slice(database: Database, rows: Rows) -> None:
    await bring(database, THREADS)
    found = rows.execute("SELECT type, post, comment_id FROM events ORDER BY seq")
    assert list(map(tuple, found)) == [("comments.imported", post, None) for post in ("/one", "/two")]


async def test_threads_come_whatever_their_order(database: Database, store_url: str, rows: Rows) -> None:
    await bring(database, THREADS[::-1])
    assert shape(rows, "/one") == [("1", 0, 1), ("2", 1, 0)]
    assert shape(rows, "/two") == [("6", 0, 1), ("7", 1, 0)]
    assert differences(store_url) == []


async def test_replies_deeper_than_the_deepest_level_stand_side_by_side(
    database: Database, store_url: str, rows: Rows
) -> None:
    shallow = parse(configuration("sqlite:///none.db", max_depth=2)).sites[SITE.key]
    chain = [comment(number, parent=number - 1 or None) for number in range(1, 600)]
    await bring(database, chain, Wanted(shallow))
    found = shape(rows, "/one")
    assert [int(number) for number, *_ in found] == list(range(1, 600))
    assert [depth for _, depth, _ in found[:5]] == [0, 1, 2, 2, 2]
    assert differences(store_url) == []


async def test_a_missing_parent_a_cycle_and_another_post_make_roots_and_are_said(
    database: Database, rows: Rows
) -> None:
    report = await bring(
        database,
        [
            comment(1, parent=99),
            comment(2, parent=3),
            comment(3, parent=4),
            comment(4, parent=2),
            comment(5, parent=4),
            comment(6, parent=6),
            comment(7, parent=1, post="/two"),
        ],
    )
    assert sorted(report.said) == [
        "line 1: answers a comment that is nowhere: it begins a thread of its own",
        "line 2: answers itself, by way of others: it begins a thread of its own",
        "line 6: answers itself, by way of others: it begins a thread of its own",
        "line 7: answers a comment on another post: it begins a thread of its own",
    ]
    assert shape(rows, "/one") == [("1", 0, 0), ("2", 0, 1), ("4", 1, 2), ("3", 2, 0), ("5", 2, 0), ("6", 0, 0)]


async def test_equal_ids_on_two_threads_are_two_comments(database: Database, rows: Rows) -> None:
    report = await bring(
        database,
        [comment(1), comment(1, post="/two"), comment(2, parent=1), comment(3, parent=1, post="/two"), comment(1)],
    )
    assert report.said == ["line 1: has the id of another comment on its thread: the first one counts"]
    assert [number for number, *_ in shape(rows, "/one")] == ["1", "2"]
    assert [number for number, *_ in shape(rows, "/two")] == ["/two 1", "3"]


async def test_a_second_run_changes_nothing_and_writes_no_event(database: Database, store_url: str, rows: Rows) -> None:
    await bring(database, many(300))
    before, events = digest(store_url), rows.number("SELECT count(*) FROM events")
    report = await bring(database, many(300), batch="another")
    assert (report.new, report.batch) == (0, None)
    assert (digest(store_url), rows.number("SELECT count(*) FROM events")) == (before, events)


async def test_what_is_new_in_a_newer_file_comes_too_and_answers_what_came_before(
    database: Database, store_url: str, rows: Rows
) -> None:
    await bring(database, [comment(1)])
    report = await bring(database, [comment(1), comment(2, parent=1)], batch="second")
    assert (report.new, report.known) == (1, 1)
    await bring(database, [comment(3, parent=2)], batch="third")
    assert shape(rows, "/one") == [("1", 0, 1), ("2", 1, 1), ("3", 2, 0)]
    assert differences(store_url) == []


class Stopping(Watch):
    """Ends the work after some slices."""

    def __init__(self, slices: int) -> None:
        super().__init__()
        self._left = slices

    def tell(self, step: str, done: int, of_all: int) -> None:
        """One slice more."""
        self._left -= 1
        if self._left < 0:
            self.end()
        super().tell(step, done, of_all)


@pytest.mark.parametrize("slices", [1, 3, 6])
async def test_whoever_is_interrupted_ends_with_the_same(
    database: Database, store_url: str, slices: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing, "SLICE", 40)
    with pytest.raises(StoppedError):
        await bring(database, many(300), watch=Stopping(slices))
    assert differences(store_url) == []
    half = digest(store_url)
    await bring(database, many(300), batch="again")
    finished = digest(store_url)
    for batch in ("again", "a-batch"):
        assert await bringing.undo(database, SITE.key, BatchId(batch), Watch()) == []
    await bring(database, many(300), batch="clean")
    assert half != finished == digest(store_url)


async def test_an_import_can_be_taken_back_and_brought_again(database: Database, store_url: str, rows: Rows) -> None:
    await bring(database, many(300))
    before = digest(store_url)
    assert await bringing.undo(database, SITE.key, BatchId("a-batch"), Watch()) == []
    assert differences(store_url) == []
    left = ("comments", "imports", "decisions", "queue", "authors", "originals")
    assert [rows.number(f"SELECT count(*) FROM {table}") for table in left] == [0] * 6  # noqa: S608
    assert rows.number("SELECT sum(count) FROM posts") == 0
    await bring(database, many(300), batch="again")
    assert (digest(store_url), differences(store_url)) == (before, [])


async def test_what_was_decided_or_answered_since_stays_when_an_import_is_taken_back(
    database: Database, store_url: str
) -> None:
    await bring(database, [comment(1), comment(2, parent=1), comment(3), comment(4, parent=3)])
    ids = {one: CommentId(id_of(comment(one).created_at, "blog", "elsewhere", str(one))) for one in (1, 2, 3)}
    await database.write(decisions.decide, SITE.rules, Ruling(ids[2], Action.REJECT, 1), MODERATOR)
    staying = await bringing.undo(database, SITE.key, BatchId("a-batch"), Watch())
    assert dict(staying) == {ids[1]: Stay.ANSWERED, ids[2]: Stay.CHANGED}
    assert differences(store_url) == []


async def test_a_changed_text_comes_with_update_unless_somebody_decided_here(
    database: Database, store_url: str, rows: Rows
) -> None:
    await bring(database, [comment(1), comment(2), comment(3, state=State.PENDING)])
    decided = CommentId(id_of(comment(2).created_at, "blog", "elsewhere", "2"))
    await database.write(decisions.decide, SITE.rules, Ruling(decided, Action.SPAM, 1), MODERATOR)
    newer = [comment(1, body="Now *so*."), comment(2, body="Now *so*."), comment(3)]
    report = await bring(database, newer, batch="without")
    assert (report.new, report.updated, report.kept, report.known) == (0, 0, 0, 3)
    report = await bring(database, newer, batch="with", updates=True)
    assert (report.new, report.updated, report.kept, report.known) == (0, 2, 1, 0)
    found = rows.execute("SELECT body, status FROM comments ORDER BY created_at")
    said = [("Now *so*.", "approved"), ("Comment *2*.", "spam"), ("Comment *3*.", "approved")]
    assert list(map(tuple, found)) == said
    assert differences(store_url) == []
    report = await bring(database, newer, batch="once more", updates=True)
    assert (report.updated, report.known) == (0, 2)


async def test_what_was_deleted_there_since_is_no_longer_public_after_an_update(
    database: Database, store_url: str, rows: Rows
) -> None:
    await bring(database, [comment(1), comment(2), comment(3, parent=2)])
    newer = [comment(1, state=State.DELETED, body=""), comment(2, state=State.DELETED), comment(3, parent=2)]
    never_here = comment(4, state=State.DELETED)
    report = await bring(database, [*newer, never_here], batch="with", updates=True)
    assert (report.new, report.updated) == (0, 2)
    found = rows.execute("SELECT status, listed FROM comments ORDER BY created_at")
    assert [(status, bool(listed)) for status, listed in found] == [
        ("deleted", False),
        ("deleted", True),
        ("approved", True),
    ]
    assert differences(store_url) == []


async def test_people_are_nobody_of_the_blog_unless_a_login_says_so(database: Database, rows: Rows) -> None:
    await bring(database, [comment(1), comment(2, author_id=None)])
    await bring(database, [comment(3)], Wanted(SITE, login="the-login"), batch="second")
    found = rows.execute("SELECT namespace, subject, approved FROM authors ORDER BY namespace, length(subject)")
    people = [(namespace, subject[:2], approved) for namespace, subject, approved in found]
    assert people == [
        ("import:elsewhere", "u1", 1),
        ("import:elsewhere", "~" + people[1][1][1], 1),
        ("the-login", "u0", 1),
    ]


async def test_what_cannot_come_is_said_with_its_line(database: Database, rows: Rows) -> None:
    report = await bring(
        database,
        [
            comment(1, body="x" * 10_001),
            comment(2, body="with \0 in it"),
            comment(3, body=" \n "),
            comment(4, created_at=-1),
            comment(5, post_url=None),
            comment(6, kind=Kind.PINGBACK),
            comment(7, source_id=""),
            LeftOut(8, "is no comment"),
            LeftOut(9, "left out", personal=12),
            comment(10, author_name="\ud800", author_url="javascript:x", post_title="\0", anchor='"x'),
        ],
    )
    assert report.new == 1
    assert [said.partition(":")[0] for said in report.said] == [f"line {line}" for line in range(1, 9)]
    assert report.personal == 12
    row = tuple(rows.execute("SELECT author_name, author_url, anchor FROM comments").fetchone())
    assert row == ("Reader", None, None)


async def test_a_long_text_is_cut_where_that_is_asked_for(database: Database, rows: Rows) -> None:
    await bring(database, [comment(1, body="x" * 10_001)], Wanted(SITE, truncates=True))
    assert rows.number("SELECT length(body) FROM comments") == 10_000


@pytest.mark.parametrize(
    ("keys", "given", "key"),
    [
        (Keys.URL_PATH, {}, "/a/b\u00fc"),
        (Keys.URL, {}, "https://old.example/a/b%C3%BC/?utm_source=x#top"),
        (Keys.ID, {}, "7"),
        (Keys.URL_PATH, {"7": "by-id"}, "by-id"),
        (Keys.ID, {"https://old.example/a/b%C3%BC/?utm_source=x#top": "by-url"}, "by-url"),
        (Keys.ID, {"/a/b\u00fc": "by-path"}, "by-path"),
    ],
)
def test_posts_have_the_keys_that_are_asked_for(keys: Keys, given: dict[str, str], key: str) -> None:
    one = comment(1, thread_id="7", post_url="https://old.example/a/b%C3%BC/?utm_source=x#top")
    with on_stage([one], Wanted(SITE, keys, given)) as (_, report):
        assert [post.key for post in report.posts] == [key]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("/a/b\u00fc/,mine", "mine"),
        ("/a/b%C3%BC/,mine", "mine"),
        ("/a/b\u00fc/,no\n/a/b\u00fc,mine", "mine"),
        ("/a/b\u00fc/?p=1,no", "/a/b\u00fc"),
    ],
)
def test_a_path_in_a_map_may_be_as_it_stands_in_an_address(tmp_path: Path, line: str, key: str) -> None:
    (tmp_path / "map.csv").write_text(f"from,to\n{line}\n", "utf-8")
    one = comment(1, thread_id="7", post_url="https://old.example/a/b%C3%BC/")
    with on_stage([one], Wanted(SITE, map=read_map(tmp_path / "map.csv"))) as (_, report):
        assert [post.key for post in report.posts] == [key]


async def test_posts_are_called_as_the_file_says_wherever_they_are(database: Database, rows: Rows) -> None:
    await bring(database, [comment(1)])
    found = tuple(rows.execute("SELECT pinned_title, pinned_url FROM posts").fetchone())
    assert found == ("About /one", "https://old.example/one")


async def test_keys_that_look_alike_or_are_there_already_are_marked(database: Database) -> None:
    await bring(database, [comment(1, post="/One")])
    report = await bring(database, [comment(2, post="/One"), comment(3, post="/one"), comment(4, post="/other")])
    marked = [(post.key, post.is_there, post.alike) for post in report.posts]
    assert marked == [("/One", True, ["/one"]), ("/one", False, ["/One"]), ("/other", False, [])]


async def test_readers_see_it_at_once_and_moderators_find_it(gatepost: Gatepost) -> None:
    assert (await gatepost.public(post="%2Fone"))["comments"] == []
    database = gatepost.running.database
    await bring(database, THREADS)
    shown = await gatepost.public(post="%2Fone")
    assert [found["anchor"] for found in shown["comments"]] == ["comment-1", "comment-2"]
    assert shown["post"]["count"] == 2
    queue = (await gatepost.moderator().get("queue")).json
    assert [entry["why"][0]["code"] for entry in queue["entries"]] == ["imported", "imported"]
    decided = await gatepost.moderator().decide(queue["entries"][0]["comment"]["id"], "approve", 1)
    assert decided.status == 201
    record = (await gatepost.moderator().get("decisions", params={"limit": 100})).json
    assert len(record["decisions"]) == 9
    await bringing.undo(database, SITE.key, BatchId("a-batch"), Watch())
    assert len((await gatepost.public(post="%2Ftwo"))["comments"]) == 0


async def test_old_links_lead_to_an_imported_comment(gatepost: Gatepost) -> None:
    await bring(gatepost.running.database, [*many(40), comment(99, post="/one", anchor="isso-99")])
    shown = await gatepost.public(post="%2Fone", around="isso-99", limit=1)
    assert shown["comments"][-1]["anchor"] == "isso-99"
    answer = await gatepost.visitor.get("posts/%2Fone/comments.html")
    assert b' id="isso-99"' in answer.body
    assert (await gatepost.visitor.get("posts/%2Fone/comments", params={"around": "isso-1"})).code == "unknown-comment"


async def test_moderators_see_what_a_text_was_made_of(gatepost: Gatepost) -> None:
    made_of = "<p>Once <b>so</b>.</p><script>alert(1)</script>"
    found = [comment(1, body=made_of, body_format=BodyFormat.HTML), comment(2)]
    await bring(gatepost.running.database, found)
    ids = [item["id"] for item in (await gatepost.public(post="%2Fone"))["comments"]]
    mo = gatepost.moderator()
    answers = [(await mo.get(f"comments/{one}/original")).json for one in ids]
    assert answers == [{"original": {"format": "html", "body": made_of}}, {"original": None}]
    assert (await mo.get("comments/nothing/original")).code == "unknown-comment"
    assert (await gatepost.reader("ada").get(f"comments/{ids[0]}/original")).status == 403


def _chain(number: int, **given: Any) -> list[ImportedComment]:
    return [comment(one, parent=one - 1 or None, body="x", **given) for one in range(1, number + 1)]


@pytest.mark.parametrize(
    ("found", "number"),
    [
        (_chain(20_000), 20_000),
        (_chain(20_000, state=State.DELETED), 0),
        ([comment(one, parent=one, body="x") for one in range(20_000)], 20_000),
        ([comment(1, post=f"/{one}", body="x", parent=2) for one in range(20_000)], 20_000),
    ],
    ids=["answers", "deleted", "of itself", "one id on many threads"],
)
def test_long_threads_take_time_as_they_are_long(found: list[ImportedComment], number: int) -> None:
    """Where each comment looked through the others, these take minutes."""
    with on_stage(found) as (_, report):
        assert report.comments == number


def test_what_is_counted_is_handed_on() -> None:
    """Told apart by its thread, the third would have the id of the first."""
    found = [
        comment(1, post="/1", source_id="/2 5"),
        comment(2, post="/1", source_id="5"),
        comment(3, post="/2", source_id="5"),
    ]
    with on_stage(found) as (stage, report):
        assert report.comments == sum(map(len, stage.slices(10))) == 2
        assert report.said == ["line 3: has the id of another comment on its thread: the first one counts"]


def test_the_report_for_programs_has_all_that_is_left_out() -> None:
    with on_stage([comment(1), comment(2, state=State.DELETED), comment(3, created_at=-1)]) as (_, report):
        problems = [(problem["count"], problem["lines"]) for problem in report.as_json()["problems"]]
    assert problems == [(1, [3]), (1, [2])]
    assert [line for line in report.words() if "more" in line] == ["  ... and 1 more: --report FILE.json lists all"]


def test_nothing_of_the_file_acts_on_the_terminal() -> None:
    with on_stage([comment(1, post="/%1b]0;owned%07%0aRead as disqus"), LeftOut(2, "is \x1b[2J")]) as (_, report):
        lines = list(report.words())
    assert all(line.isprintable() for line in lines)
    assert "  /]0;owned Read as disqus: 1" in lines


async def test_where_imported_comments_link_to_is_known_at_once(database: Database, rows: Rows) -> None:
    """Also while what came earlier is being read, which has passed their place, and where the import is interrupted."""
    await bring(database, [comment(number) for number in range(1_001, 1_151)])
    last = await database.bulk.write(earlier._read_hosts, SITE.key, CommentId(""))
    with pytest.raises(StoppedError):
        await bring(database, [comment(1, body="See https://old.example/")], batch="second", watch=Stopping(1))
    await earlier._read(database, SITE.key, last, earlier._read_hosts)
    assert rows.number("SELECT count(*) FROM linked_hosts WHERE host = 'old.example'") == 1
    assert rows.number("SELECT count(*) FROM sites WHERE hosts_known") == 1


async def test_the_original_of_a_text_that_is_cut_is_no_longer_than_is_looked_at(
    database: Database, rows: Rows
) -> None:
    found = comment(1, body="<p>" + "x" * 200_000, body_format=BodyFormat.HTML)
    await bring(database, [found], Wanted(SITE, truncates=True))
    assert rows.number("SELECT length(body) FROM originals") == 100_000
