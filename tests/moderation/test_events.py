"""What the event of each verb says in its columns: who did it, to whose comment, from what to what."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service.model import Action, ActorKind, AuthorKey, Caller, Event, Identity, Profile, SiteKey, Status
from service.moderation import authors, decisions, posts, submissions
from service.moderation.decisions import Ruling
from service.moderation.record import Reasons
from service.store import events
from service.store.database import Database
from tests.harness import Hands
from tests.store.scene import BLOG, MODERATOR, ODD_POST, OPEN, Scene

ADA = AuthorKey("ada-key")
MO = (ActorKind.MODERATOR, MODERATOR.key)
THEMSELVES = (ActorKind.AUTHOR, "ada-key")
POLICY = (ActorKind.POLICY, "policy")
WAITS, SHOWN, GONE, SPAM = Status.PENDING, Status.APPROVED, Status.DELETED, Status.SPAM


async def _submit(scene: Scene) -> Any:
    await scene.submit(BLOG, "ada")


async def _publish(scene: Scene) -> Any:
    await scene.submit(OPEN, "ada")


async def _edit(scene: Scene) -> Any:
    await scene.edit(BLOG, "ada", await scene.submit(BLOG, "ada"))


async def _edit_shown(scene: Scene) -> Any:
    await scene.edit(BLOG, "ada", await scene.approved(BLOG, "ada"))


async def _edit_at_once(scene: Scene) -> Any:
    await scene.edit(OPEN, "ada", await scene.submit(OPEN, "ada"))


async def _withdraw(scene: Scene) -> Any:
    comment = await scene.approved(BLOG, "ada")
    identity = Identity(BLOG.key, "login", "ada@blog.example", Profile("Ada"))
    caller = Caller(ADA, Profile("Ada"), frozenset(), identity)
    await scene.database.write(submissions.withdraw, BLOG, comment.id, caller)


async def _approve(scene: Scene) -> Any:
    await scene.approved(BLOG, "ada")


async def _keep(scene: Scene) -> Any:
    await scene.decide(await scene.approved(BLOG, "ada"), Action.APPROVE)


async def _undo(scene: Scene) -> Any:
    decision, _ = await scene.decide(await scene.submit(BLOG, "ada"), Action.SPAM)
    await scene.database.write(decisions.undo, BLOG, decision.id, MODERATOR)


async def _close(scene: Scene) -> Any:
    await scene.database.write(posts.set_open, BLOG.key, ODD_POST, MODERATOR, is_open=False)


async def _ban(scene: Scene) -> Any:
    await scene.submit(BLOG, "ada")
    await scene.database.write(authors.judge, BLOG.key, ADA, MODERATOR, changes={"banned_until": 9})


CASES: dict[str, tuple[Callable[[Scene], Awaitable[Any]], tuple[Any, ...]]] = {
    "comment.submitted": (_submit, (POLICY, ADA, None, WAITS, 1, False)),
    "comment.submitted, shown": (_publish, (POLICY, ADA, None, SHOWN, 1, True)),
    "comment.edited": (_edit, (THEMSELVES, ADA, WAITS, WAITS, 2, False)),
    "comment.edited, waits": (_edit_shown, (THEMSELVES, ADA, SHOWN, SHOWN, 3, False)),
    "comment.edited, shown": (_edit_at_once, (THEMSELVES, ADA, SHOWN, SHOWN, 2, True)),
    "comment.withdrawn": (_withdraw, (THEMSELVES, ADA, SHOWN, GONE, 3, True)),
    "comment.approved": (_approve, (MO, ADA, WAITS, SHOWN, 2, True)),
    "comment.approved, again": (_keep, (MO, ADA, SHOWN, SHOWN, 3, False)),
    "comment.decision_undone": (_undo, (MO, ADA, SPAM, WAITS, 3, False)),
    "post.closed": (_close, (MO, None, None, None, None, True)),
    "author.banned": (_ban, (MO, ADA, None, None, None, False)),
}


async def last_event(database: Database) -> Event:
    """The newest of the one site that has any."""
    ((site, seq),) = (await database.read(events.last_numbers)).items()
    return (await database.read(events.after, site, seq - 1, limit=1))[0]


@pytest.mark.parametrize("case", CASES)
async def test_an_event_says_who_did_what_to_whom(database: Database, clock: Hands, case: str) -> None:
    act, wanted = CASES[case]
    await act(Scene(database, clock))
    event = await last_event(database)
    assert event.type == case.partition(",")[0]
    assert (
        (event.actor_kind, event.actor),
        *(event.author, event.from_status, event.to_status, event.version),
        event.post_revision is not None,
    ) == wanted
    assert (event.site_revision is not None) is (event.post_revision is not None)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("off-topic", "off-topic"),
        ("rule.4_b", "rule.4_b"),
        ("He wrote this to me.", None),
        ("Ada", None),
        ("off-", None),
        ("off-topic\n", None),
        ("a" * 64, "a" * 64),
        ("a" * 65, None),
        (None, None),
    ],
)
async def test_a_reason_is_in_the_event_where_it_is_a_code(
    database: Database, clock: Hands, reason: str | None, code: str | None
) -> None:
    comment = await Scene(database, clock).submit(BLOG, "ada")
    ruling = Ruling(comment.id, Action.REJECT, 1, Reasons(reason=reason))
    await database.write(decisions.decide, BLOG, ruling, MODERATOR)
    assert (await last_event(database)).reason_code == code


async def test_events_hold_no_name_and_no_text(database: Database, clock: Hands) -> None:
    scene = Scene(database, clock)
    comment = await scene.submit(BLOG, "ada", text="a secret")
    reasons = Reasons("a secret reason", "a secret note", "a secret word")
    await database.write(decisions.decide, BLOG, Ruling(comment.id, Action.REJECT, 1, reasons), MODERATOR)
    found = await database.read(events.after, SiteKey("blog"), 0, limit=10)
    assert len(found) == 2
    assert [word for word in ("secret", MODERATOR.name, "Ada") if word in repr(found)] == []
