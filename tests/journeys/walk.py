"""One random walk: carries out steps on the service and on the second opinion, and compares the two after each.

Called by `test_random_walks`. Every text and title ever written carries a marker of its own, so a reply's bytes say
which of them it shows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

from tests.harness import Answer, Gatepost, Person
from tests.journeys.second_opinion import Comment, Decision, Post, State, World
from tests.journeys.subscriber import Subscriber
from tests.journeys.walk_policy import Outsider
from tests.journeys.walk_steps import Ban, Bulk, Decide, Edit, OpenPost, Pin, Submit, Undo, Wait, Withdraw
from tests.rows import Rows
from tests.webhooks.receiver import Receiver

MARKER = re.compile(r"marker\d+x\d+x")
LISTS = [
    f"posts/{{post}}/comments?view={view}&sort={sort}" for view in ("thread", "flat") for sort in ("oldest", "newest")
]


@dataclass
class Walk:
    """Carries out steps on the service and on the second opinion, and compares the two after each."""

    gatepost: Gatepost
    store: Rows
    site: str
    number: int
    page_size: int
    world: World = field(init=False)
    authors: dict[int, str] = field(default_factory=dict)
    marks: Iterator[int] = field(default_factory=count)
    begun_at: int = field(init=False)
    titles: list[str] = field(init=False)
    subscriber: Subscriber = field(init=False)
    steps: int = 0

    def __post_init__(self) -> None:
        self.begun_at = self._number("SELECT coalesce(max(event_seq), 0) FROM sites WHERE site = ?", self.site)
        self.titles = [self._marker() for _ in range(3)]
        posts = [Post(f"walk{self.number}{letter}") for letter in "ab"]
        self.subscriber = Subscriber(self._moderator(0))
        self.world = World(premoderate=self.site == "blog", posts=posts)

    async def take(self, wanted: object) -> None:
        """Take one step, then look at everything."""
        self.steps += 1
        match wanted:
            case Submit():
                await self._submit(wanted)
            case Edit() if chosen := self._chosen(wanted.comment):
                await self._edit(chosen, wanted)
            case Withdraw() if chosen := self._chosen(wanted.comment):
                await self._withdraw(chosen, wanted)
            case Decide() if chosen := self._chosen(wanted.comment):
                await self._decide(chosen, wanted)
            case Bulk() if self.world.comments:
                await self._decide_each(wanted)
            case Undo() if wanted.back < len(self.world.decisions):
                await self._undo(self.world.decisions[-1 - wanted.back])
            case Ban() if wanted.who in self.authors:
                await self._ban(wanted)
            case OpenPost():
                await self._open(wanted)
            case Pin():
                await self._pin(wanted)
            case Wait():
                self.gatepost.clock.advance(seconds=wanted.seconds)
            case _:
                return
        await self.check()
        await self.check_subscriber()
        await self.check_pages([self._lists()[self.steps % len(self._lists())]])

    # --- Steps --------------------------------------------------------------------------------------------------------

    async def _submit(self, wanted: Submit) -> None:
        post, parent = self.world.posts[wanted.post], None
        if wanted.parent is not None:
            parent = self._chosen(wanted.parent)
        self.gatepost.clock.advance(seconds=0.001)  # the newest comment names the post
        text, title = self._marker(), self._title(wanted.title)
        reply_to = {"parent_id": parent.id} if parent else {}
        body = {"body": f"Text {text}", "post": {"title": title}, **reply_to}
        answer = await self._reader(wanted.who).call("POST", f"posts/{post.key}/comments", json=body)
        code = self.world.submit(wanted.who, post, parent)
        self._expect(answer, code, 202 if self.world.premoderate else 201)
        if code:
            return
        comment = answer.json["comment"]
        self.authors[wanted.who] = comment["author"]["key"]
        status = "pending" if self.world.premoderate else "approved"
        self.world.submitted(
            Comment(comment["id"], wanted.who, post, parent, self.gatepost.clock(), State(status, text, title=title))
        )

    async def _edit(self, comment: Comment, wanted: Edit) -> None:
        who, version, text = self._author(comment, own=wanted.own), comment.version, self._marker()
        version -= int(not wanted.fresh and version > 1)
        answer = await self._reader(who).edit(comment.id, f"Text {text}", version)
        code = self.world.edit(comment, who, version=version, text=text, now=self.gatepost.clock())
        self._expect(answer, code, 200)

    async def _withdraw(self, comment: Comment, wanted: Withdraw) -> None:
        who = self._author(comment, own=wanted.own)
        answer = await self._reader(who).withdraw(comment.id)
        self._expect(answer, self.world.withdraw(comment, who), 204)

    async def _decide(self, comment: Comment, wanted: Decide) -> None:
        before, seen_before = comment.state, await self._seen(comment)
        version = comment.version - int(not wanted.fresh and comment.version > 1)
        answer = await self._moderator(wanted.moderator).decide(comment.id, wanted.action, version)
        code = self.world.decide(comment, wanted.action, version=version)
        self._expect(answer, code, 201)
        if code is None:
            self._remember(answer.json["decision"], comment, before, seen_before)

    async def _decide_each(self, wanted: Bulk) -> None:
        chosen = [(self._one(which), action) for which, action in wanted.rulings]
        rulings = [{"comment_id": one.id, "action": action, "version": one.version} for one, action in chosen]
        versions, seen = [one.version for one, _ in chosen], {one.id: await self._seen(one) for one, _ in chosen}
        answer = await self._moderator(0).call("POST", "decisions", json={"decisions": rulings})
        assert answer.status == 200, answer.json
        for (comment, action), version, result in zip(chosen, versions, answer.json["results"], strict=True):
            before = comment.state
            code = self.world.decide(comment, action, version=version)
            assert result["comment_id"] == comment.id
            assert result.get("problem", {}).get("code") == code
            if code is None:
                self._remember(result["decision"], comment, before, seen[comment.id])

    async def _undo(self, decision: Decision) -> None:
        comment, before, seen_before = decision.comment, decision.comment.state, await self._seen(decision.comment)
        answer = await self._moderator(1).undo(decision.id)
        code = self.world.undo(decision)
        self._expect(answer, code, 201)
        if code is None:
            assert await self._seen(comment) == decision.seen_before, "undo brings back exactly what was there"
            assert answer.json["decision"]["undoes"] == decision.id
            self._remember(answer.json["decision"], comment, before, seen_before)

    async def _ban(self, wanted: Ban) -> None:
        change = {"banned_until": None if wanted.lifted else "forever"}
        answer = await self._moderator(0).call("PATCH", f"authors/{self.authors[wanted.who]}", json=change)
        assert answer.status == 200, answer.json
        (self.world.banned.discard if wanted.lifted else self.world.banned.add)(wanted.who)

    async def _open(self, wanted: OpenPost) -> None:
        post = self.world.posts[wanted.post]
        answer = await self._moderator(0).call("PATCH", f"posts/{post.key}", json={"open": wanted.is_open})
        assert answer.status == 200, answer.json
        post.is_open = wanted.is_open

    async def _pin(self, wanted: Pin) -> None:
        post, title = self.world.posts[wanted.post], self._title(wanted.title)
        answer = await self._moderator(1).call("PATCH", f"posts/{post.key}", json={"title": title})
        post.pinned = title
        assert (answer.status, answer.json["post"]["title"]) == (200, self.world.title_of(post))

    def _remember(self, decision: Any, comment: Comment, before: State, seen_before: object) -> None:
        self.world.decisions.append(Decision(decision["id"], comment, before, comment.version, seen_before))

    async def _seen(self, comment: Comment) -> object:
        """What a moderator sees of a comment and of its place in the queue, but for its version and last decision, and
        for what waiting adds."""
        shown = (await self._moderator(0).get(f"comments/{comment.id}")).json["comment"]
        queue = (await self._moderator(0).get("queue", params={"post": comment.post.key, "limit": 200})).json["entries"]
        entry = next((one for one in queue if one["comment"]["id"] == comment.id), None)
        place = entry and {name: entry[name] for name in ("why", "waiting_since")}
        points = [part for part in (entry["priority_parts"] if entry else []) if part["code"] != "waiting"]
        return {name: value for name, value in shown.items() if name not in {"version", "decision"}}, place, points

    # --- What must hold -----------------------------------------------------------------------------------------------

    async def check(self) -> None:
        """Nothing unapproved is public, everything approved is, and all counts are those of a recount."""
        await self._check_posts()
        await self._check_latest()
        for comment in self.world.comments:
            await self._check_single(comment)
        self._check_rows()
        await self._check_queue()

    async def _check_posts(self) -> None:
        keys = [post.key for post in self.world.posts]
        counts = await self._visit("counts", params=[("post", key) for key in keys])
        for post in self.world.posts:
            approved = {c.state.text for c in self.world.comments if c.post is post and c.state.public_text}
            assert counts.json["counts"][post.key] == len(approved)
            for view in ("thread", "flat"):
                answer = await self._visit(f"posts/{post.key}/comments?view={view}&limit=200")
                title = self.world.title_of(post)
                titled = {title} if title else set()
                assert set(self._markers(answer)) == approved | titled
                assert (answer.json["post"]["count"], answer.json["post"]["open"]) == (len(approved), post.is_open)
                assert answer.json["post"]["title"] == title

    async def _check_latest(self) -> None:
        answer = await self._visit("comments?limit=200")
        mine = [mark for mark in self._markers(answer) if mark.startswith(f"marker{self.number}x")]
        assert set(mine) == {c.state.text for c in self.world.comments if c.state.public_text}

    async def _check_single(self, comment: Comment) -> None:
        answer = await self._visit(f"comments/{comment.id}")
        assert set(self._markers(answer)) == {comment.state.public_text} - {None}
        assert answer.status == (200 if comment.state.public_text else 404)

    async def _check_queue(self) -> None:
        answer = await self._moderator(0).get("queue", params={"limit": 1})
        assert answer.json["total"] == self._number("SELECT count(*) FROM queue WHERE site = ?", self.site)
        waiting = self.store.execute(
            "SELECT comment_id FROM queue WHERE site = ? AND post LIKE ?", (self.site, f"walk{self.number}_")
        )
        assert {row[0] for row in waiting} == {c.id for c in self.world.comments if c.state.waits}
        for post in self.world.posts:
            shown = await self._moderator(0).get("queue", params={"post": post.key, "limit": 200})
            renames = {one["comment"]["id"]: (one["label"] or {}).get("title") for one in shown.json["entries"]}
            of_post = [c for c in self.world.comments if c.post is post and c.state.waits]
            assert renames == {c.id: self.world.would_rename(c) for c in of_post}

    def _check_rows(self) -> None:
        """The rows hold the texts they should, and the counts that their neighbours give."""
        kept = self.store.execute(
            "SELECT id, status, version, body, edit_body FROM comments WHERE site = ? AND post LIKE ?",
            (self.site, f"walk{self.number}_"),
        )
        assert {row[0]: (*row[1:3], *MARKER.findall(f"{row[3]} {row[4]}")) for row in kept} == {
            c.id: (c.state.status, c.version, *filter(None, (c.state.text, c.state.edit))) for c in self.world.comments
        }
        for post in self.world.posts:
            drifted = self.store.execute(
                """
                SELECT c.id FROM comments c WHERE c.site = :site AND c.post = :post AND (
                    c.reply_count != (SELECT count(*) FROM comments r WHERE r.parent_id = c.id AND r.listed)
                    OR c.listed != (c.status = 'approved' OR c.reply_count > 0)
                )
                UNION ALL SELECT p.post FROM posts p WHERE p.site = :site AND p.post = :post AND p.count != (
                    SELECT count(*) FROM comments c WHERE c.site = p.site AND c.post = p.post AND c.status = 'approved'
                )
                """,
                {"site": self.site, "post": post.key},
            )
            assert drifted.fetchall() == []
        for key in self.authors.values():
            kept = self.store.execute("SELECT approved, rejected FROM authors WHERE author = ?", (key,)).fetchone()
            of_author = "SELECT count(*) FROM comments WHERE site = ? AND author = ? AND status"
            assert kept[0] == self._number(f"{of_author} = 'approved'", self.site, key)
            assert kept[1] == self._number(f"{of_author} IN ('rejected', 'spam')", self.site, key)

    async def check_subscriber(self) -> None:
        """Who hears of what readers see, and of nothing else, holds exactly the published comments and their texts."""
        await self.subscriber.catch_up()
        mine = {comment.id: comment.state.public_text for comment in self.world.comments if comment.state.public_text}
        held = {comment: MARKER.findall(text)[0] for comment, text in self.subscriber.texts.items()}
        assert {comment: text for comment, text in held.items() if text.startswith(f"marker{self.number}x")} == mine

    async def check_webhook(self, receiver: Receiver, *, once: bool) -> None:
        """A webhook tells what the feed tells: the same ids, types and numbers; and the same comments.

        `once`: each one time. Of two replicas one takes over when the walk's clock jumps beyond the other's lease; then
        what was under way is sent again.
        """
        everything = Subscriber(self._moderator(0), types=[], position=self.begun_at)
        await everything.catch_up()
        wanted = sorted(everything.heard)

        def told() -> list[tuple[str, str, int]]:
            calls = (call for call in receiver.calls if call["data"]["site"] == self.site)
            return [(call["id"], call["type"], call["data"]["seq"]) for call in calls]

        await receiver.until(lambda: set(wanted) <= set(told()))
        heard = [one for one in told() if one[2] > self.begun_at]
        assert sorted(set(heard)) == wanted
        if once:
            assert len(heard) == len(wanted)
        by_webhook = Subscriber(self._moderator(0))
        for call in receiver.calls:
            if call["data"]["site"] == self.site and call["type"] in by_webhook.types:
                by_webhook.hear(call)
        assert by_webhook.texts == self.subscriber.texts

    async def check_record(self) -> None:
        """The record of each comment, replayed from nothing, gives its status and accounts for all its versions."""
        for comment in self.world.comments:
            record = (await self._moderator(0).get("decisions", params={"comment": comment.id, "limit": 200})).json
            lines = record["decisions"]
            assert record["next"] is None
            assert [lines[0]["from_status"], lines[0]["actor"]["kind"], lines[0]["version"]] == [None, "policy", 1]
            assert all(one["to_status"] == following["from_status"] for one, following in pairwise(lines))
            assert lines[-1]["to_status"] == comment.state.status
            versions = [line["version"] for line in lines[1:]]
            assert versions == sorted(set(versions))
            assert comment.version == 1 + len(lines[1:]) + comment.edits
            for line in lines:
                if line["undoes"]:
                    undone = next(one for one in lines if one["id"] == line["undoes"])
                    assert (line["to_status"], line["version"]) == (undone["from_status"], undone["version"] + 1)

    async def check_pages(self, paths: list[tuple[Person, str, str]]) -> None:
        """The pages of a list one after the other are the list."""
        for person, path, items in paths:
            whole = (await person.get(f"{path}&limit=30")).json
            found: list[Any] = []
            cursor: str | None = ""
            while cursor is not None and len(found) < max(1, len(whole[items])):
                page = (await person.get(f"{path}&limit={self.page_size}{cursor}")).json
                assert page["next"] is None or len(page[items]) == self.page_size
                found += page[items]
                cursor = page["next"] and f"&cursor={page['next']}"
            assert found[: len(whole[items])] == whole[items]
            assert whole["next"] or cursor is None

    async def check_everything_once(self) -> None:
        """At the end of a walk: every record, every list."""
        await self.check_record()
        await self.check_pages(self._lists())

    def _lists(self) -> list[tuple[Person, str, str]]:
        visitor, moderator = Outsider(self.gatepost.session, site=self.site), self._moderator(0)
        keys = [post.key for post in self.world.posts]
        return [
            *((visitor, path.format(post=key), "comments") for path in LISTS for key in keys),
            (visitor, "comments?", "comments"),
            *((moderator, f"queue?order={order}&post={keys[0]}", "entries") for order in ("oldest", "priority")),
            *((self._reader(who), "me/comments?", "comments") for who in self.authors),
            *((moderator, f"decisions?comment={one.id}", "decisions") for one in self.world.comments[:2]),
        ]

    # --- People and small things --------------------------------------------------------------------------------------

    def _reader(self, who: int) -> Person:
        reader = self.gatepost.reader(f"reader{self.number}x{who}", site=self.site)
        return Outsider(reader.session, reader.headers, reader.site)

    def _moderator(self, which: int) -> Person:
        return self.gatepost.moderator(["mo", "max"][which], site=self.site)

    async def _visit(self, path: str, **options: Any) -> Answer:
        return await Outsider(self.gatepost.session, site=self.site).get(path, **options)

    def _author(self, comment: Comment, *, own: bool) -> int:
        return comment.author if own else (comment.author + 1) % 3

    def _chosen(self, which: int) -> Comment | None:
        return self._one(which) if self.world.comments else None

    def _one(self, which: int) -> Comment:
        chosen = self.world.comments[-1 - which % len(self.world.comments)]
        self.world.comments.remove(chosen)
        self.world.comments.append(chosen)
        return chosen

    def _title(self, which: int | None) -> str | None:
        return None if which is None else self.titles[which]

    def _marker(self) -> str:
        return f"marker{self.number}x{next(self.marks)}x"

    def _markers(self, answer: Answer) -> list[str]:
        return MARKER.findall(answer.body.decode())

    def _expect(self, answer: Answer, code: str | None, status: int) -> None:
        assert answer.code == code, answer.json
        assert code is not None or answer.status == status

    def _number(self, query: str, *values: object) -> int:
        found: int = self.store.execute(query, values).fetchone()[0]
        return found
