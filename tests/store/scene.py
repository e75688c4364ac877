"""Fills a store with one of everything that can become of a comment, by the service's own verbs."""

from dataclasses import dataclass
from typing import Any

from service.errors import RefusedByPolicy
from service.model import (
    Action,
    Actor,
    ActorKind,
    ApiKey,
    ApiKeyId,
    AuthorKey,
    BatchId,
    Caller,
    Comment,
    Identity,
    Label,
    PostKey,
    Profile,
    Role,
    SiteKey,
    SiteRules,
    Status,
)
from service.moderation import authors, brakes, decisions, idempotency, importing, lists, posts, queue, submissions
from service.moderation.arriving import Import
from service.moderation.decisions import Ruling
from service.moderation.lists import Addition, Wanted
from service.moderation.submissions import Draft
from service.store import api_keys, deliveries, secrets, webhooks
from service.store.database import Database, Transaction
from service.store.deliveries import Delivery, State, Try
from service.store.idempotency import Reply, Scope
from service.store.staged import Staged
from service.triage.lists.entry import Entry, ListKind
from tests.harness import Hands
from tests.triage.policies import of_rules, put

LABEL = Label("A title", "https://blog.example/p")
MODERATOR = Actor(ActorKind.MODERATOR, "mo-key", "Mo")
ODD_POST = PostKey("/2005/07/ümläut \U0001f600 'quoted' %s :name?")
TEXT = "Ünïcode \U0001f600, 'quotes', \"double\", back\\slash, tab\t, line\u2028separator and %(percent)s"


def site(key: str, *, premoderate: bool = True) -> SiteRules:
    """What verbs must know of a site."""
    return SiteRules(SiteKey(key), premoderate=premoderate)


BLOG, OPEN = site("blog"), site("open", premoderate=False)
RULED = site("ruled")
"""It has a policy of its own."""
SITES = {site.key: site for site in (BLOG, OPEN, RULED)}


REASONS = [{"code": "closed", "text": "Nothing is taken now."}]
NONE_COME = {"id": "none-come", "title": "None come", "when": [{}], "then": "reject", "reason": "closed"}
REJECTING = {**of_rules(NONE_COME), "reasons": REASONS}
ONE_A_DAY = {
    **of_rules(
        {**NONE_COME, "brake": {"share": 1, "per_day": 1}},
        {"id": "watches", "title": "It only watches", "mode": "observe", "when": [{}], "then": "spam"},
    ),
    "reasons": REASONS,
}
"""Its rule is braked as soon as it has acted."""
LONG, LONGER = "long " * 100, "longer " * 100
BY_LENGTH = {
    **of_rules(
        {"id": "short", "title": "Short", "when": [{"text.characters": {"at_most": 400}}], "then": "publish"},
        {"id": "long", "title": "Long", "when": [{"text.characters": {"at_least": 401}}], "then": "spam"},
        {**NONE_COME, "id": "longer", "when": [{"text.characters": {"at_least": 601}}], "then": "refuse"},
        otherwise="hold",
    ),
    "reasons": REASONS,
    "audit_share": 0.5,
}
"""Half of what its rules do is held instead."""


DELIVERY = Delivery(
    id="a-delivery",
    site=BLOG.key,
    webhook="build",
    event_id="an-event",
    type="comment.published",
    seq=1,
    happened_at=0,
    state=State.RETRYING,
    attempt=1,
    tries=(Try(at=1, status=500, error=TEXT, ms=20),),
    next_try_at=2,
)


IMPORTED = Staged(
    number=1,
    identity="7",
    answers=None,
    post=ODD_POST,
    post_title="A title",
    post_url="https://elsewhere.example/p",
    subject="ada",
    login=None,
    name="Ada",
    url=None,
    body=TEXT,
    html="<p>imported</p>",
    original=f"<p>{TEXT}</p>",
    original_format="html",
    status="spam",
    created_at=1_100_000_000_000,
    edited_at=None,
    anchor="comment-7",
)


@dataclass
class Scene:
    """Acts on an open store; every act is a moment later than the one before."""

    database: Database
    clock: Hands

    async def submit(
        self,
        of: SiteRules,
        who: str,
        *,
        post: PostKey = ODD_POST,
        parent: Comment | None = None,
        text: str = TEXT,
        html: str = "<p>submitted</p>",
    ) -> Comment:
        """A comment of its own (a number follows the text)."""
        self.clock.advance(seconds=1)
        body = f"{text} {self.clock()}"
        draft = Draft(body, html, parent.id if parent else None, LABEL)
        return await self.database.write(
            submissions.submit, of, post, AuthorKey(f"{who}-key"), _identity(of, who), draft
        )

    async def decide(self, comment: Comment, action: Action) -> Any:
        """A moderator's decision on the comment as it was given."""
        self.clock.advance(seconds=1)
        ruling = Ruling(comment.id, action, comment.version)
        return await self.database.write(decisions.decide, SITES[comment.site], ruling, MODERATOR)

    async def approved(self, of: SiteRules, who: str, **more: Any) -> Comment:
        """A comment that everybody sees."""
        comment = await self.submit(of, who, **more)
        if not of.premoderate:
            return comment
        approved: Comment = (await self.decide(comment, Action.APPROVE))[1]
        return approved

    async def edit(self, of: SiteRules, who: str, comment: Comment) -> Comment:
        """The author's new text."""
        self.clock.advance(seconds=1)
        draft = Draft(f"{TEXT} edited {self.clock()}", "<p>edited</p>")
        return await self.database.write(
            submissions.edit, of, comment.id, _caller(of, who), draft, version=comment.version
        )

    async def submit_until(self, of: SiteRules, who: str, status: Status, *, text: str) -> Comment:
        """A comment that has this status. Which ones are in the audit sample is chance, so others come before it."""
        while (comment := await self.submit(of, who, html=f"<p>{text}</p>")).status is not status:
            pass
        return comment


async def fill(url: str, clock: Hands) -> None:
    """One of everything, on two sites."""
    database = await Database.open(url, clock=clock)
    try:
        await _play(Scene(database, clock))
    finally:
        await database.close()


async def _play(scene: Scene) -> None:
    database, clock = scene.database, scene.clock
    for name in ("author-key", "cursor"):
        await database.write(secrets.get_or_make, name)
    parent = await scene.approved(BLOG, "ada")
    reply = await scene.approved(BLOG, "bob", parent=parent)
    await scene.approved(BLOG, "ada", parent=reply)
    await scene.decide(reply, Action.DELETE)  # a tombstone: a reply stands on it
    clock.advance(seconds=-7200)  # a clock that goes back gives the child a smaller id than its parent has
    await scene.approved(BLOG, "cy", parent=parent)
    clock.advance(seconds=7200)
    for action in (Action.REJECT, Action.SPAM):
        await scene.decide(await scene.submit(BLOG, "eve"), action)
    decided, _ = await scene.decide(await scene.submit(BLOG, "eve"), Action.SPAM)
    await database.write(decisions.undo, BLOG, decided.id, MODERATOR)
    await scene.submit(BLOG, "dan", post=PostKey("quiet"))
    await scene.edit(BLOG, "ada", await scene.approved(BLOG, "ada", post=PostKey("edited")))
    other = await scene.approved(OPEN, "ada")
    await scene.edit(OPEN, "ada", other)
    withdrawn = await scene.approved(OPEN, "fay", parent=other)
    await database.write(submissions.withdraw, OPEN, withdrawn.id, _caller(OPEN, "fay"))
    await database.write(queue.claim, BLOG, MODERATOR, limit=1, lease_seconds=600)
    await database.write(posts.set_open, BLOG.key, PostKey("closed"), MODERATOR, is_open=False)
    await database.write(
        authors.judge, BLOG.key, AuthorKey("eve-key"), MODERATOR, changes={"trusted": True, "note": TEXT}
    )
    await database.write(idempotency.once, Scope(BLOG.key, AuthorKey("ada-key"), "submit", "key", "hash"), _reply)
    await put(database, RULED.key, of_rules({"id": "all-wait", "title": "All wait", "when": [{}]}))
    words = Wanted("Names of rivals", ListKind.WORDS)
    await database.write(lists.put, RULED.key, "rivals", words, MODERATOR, expected=0)
    entry = Addition(Entry("percent", ("50 percent",), until=4_000_000_000_000), TEXT)
    await database.write(lists.change_entries, RULED, "rivals", MODERATOR, expected=1, add=[entry], remove=[])
    await database.write(lists.put, RULED.key, "gone", words, MODERATOR, expected=0)
    await database.write(lists.delete, RULED, "gone", MODERATOR, expected=1)
    await database.read(lists.holding, RULED.key)
    await scene.submit(RULED, "ada", text=f"{TEXT} percent")
    linking = await scene.submit(RULED, "ada", html='<p>See <a href="https://a.example/">there</a></p>')
    await scene.decide(linking, Action.APPROVE)
    await put(database, RULED.key, REJECTING, expected=1)
    await scene.submit(RULED, "ada")
    await scene.decide(await scene.submit(RULED, "ada"), Action.REJECT)
    await _play_rules(scene)
    await database.write(posts.change, RULED.key, ODD_POST, MODERATOR, changes={"published_at": clock()})
    await database.write(webhooks.begin, BLOG.key, "build", configured="then")
    await database.write(deliveries.add, DELIVERY)
    await database.write(importing.bring, Import(BLOG, "elsewhere", BatchId("a-batch")), [IMPORTED])
    key = ApiKey(ApiKeyId("a-key"), "A key", None, frozenset({Role.ADMIN}), clock())
    await database.write(api_keys.add, key, secret_hash="of a secret")


async def _play_rules(scene: Scene) -> None:
    """Rules act alone: they are braked, and let go; a sample of what they do waits; humans agree, and do not."""
    await put(scene.database, RULED.key, ONE_A_DAY, expected=2)
    await scene.submit(RULED, "bob")
    await scene.database.write(brakes.release, RULED.key, "none-come", MODERATOR)
    await scene.submit(RULED, "bob")
    await scene.submit(RULED, "bob")  # its rule is braked, and only holds it
    await put(scene.database, RULED.key, BY_LENGTH, expected=3)
    for text, acts, agrees, differs in (
        ("short", Status.APPROVED, Action.APPROVE, Action.SPAM),
        (LONG, Status.SPAM, Action.SPAM, Action.APPROVE),
    ):
        await scene.submit_until(RULED, "cy", acts, text=text)
        for action in (agrees, differs):
            await scene.decide(await scene.submit_until(RULED, "cy", Status.PENDING, text=text), action)
    await scene.submit_until(RULED, "cy", Status.PENDING, text="short")
    try:
        await scene.submit(RULED, "cy", html=f"<p>{LONGER}</p>")
    except RefusedByPolicy:
        return
    raise AssertionError


def _reply(_: Transaction) -> Reply:
    return Reply(202, '{"comment": 1}', "/v1/there")


def _identity(of: SiteRules, who: str) -> Identity:
    return Identity(of.key, "login", f"{who}@blog.example", Profile(who.title(), bio=TEXT))


def _caller(of: SiteRules, who: str) -> Caller:
    return Caller(f"{who}-key", Profile(who.title()), frozenset(), _identity(of, who))
