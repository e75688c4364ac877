"""Puts back a site from a lossless export: first its rules, people and posts, then comments with all of their past.

Such a comment lies on the stage with its line of the export (`Staged.whole`). For `arriving` and `importing`, which
bring it like any other; what only an export knows of it is here. It goes into an empty site; who was interrupted goes
on, whatever happened on the site meanwhile: the store notes which export it was.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pydantic_core

from service.auth.login import author_key
from service.model import (
    GATEPOST,
    Action,
    Actor,
    ActorKind,
    AuthorKey,
    BatchId,
    Comment,
    Decision,
    DecisionId,
    Identity,
    Label,
    PostKey,
    Profile,
    SiteKey,
    Status,
    Text,
)
from service.moderation.desk_sessions import AUTHOR_KEY
from service.store import carriers, events, leases, lists, posts, restored, secrets
from service.store.database import Transaction
from service.store.lists import KeptEntry, KeptList
from service.text.render import RENDERER_VERSION, to_html
from service.triage.lists.entry import Entry, ListKind
from service.triage.lists.entry import key_of as entry_key

SOURCE: Final = "gatepost"
"""Under this name, and by their own ids, comments of an export are known when they come again."""
AT_ONCE: Final = 500
"""People or posts that come in one transaction."""
People = Mapping[int, tuple[str, str]]
"""The namespace and the subject of each author of an export, by number."""
KeyOf = Callable[[int], AuthorKey]

_WATCHED_ANEW: Final = {"acted_before": 0, "arrived_before": 0, "changed_at": None, "learns_since": None}
"""Of a watched rule, what an export does not hold, or need not."""


class NotForThisSiteError(Exception):
    """A lossless export cannot be put back here. Its text is one line that says what to do."""


@dataclass(slots=True)
class Holdings:
    """What a lossless export holds beside comments. `digest` names it; `length` is how many lines its record has."""

    digest: str
    length: int
    people: dict[int, tuple[str, str]] = field(default_factory=dict)
    authors: list[Mapping[str, Any]] = field(default_factory=list)
    posts: list[Mapping[str, Any]] = field(default_factory=list)
    policies: list[Mapping[str, Any]] = field(default_factory=list)
    lists: list[Mapping[str, Any]] = field(default_factory=list)
    rules: list[Mapping[str, Any]] = field(default_factory=list)


def require_room(tx: Transaction, site: SiteKey, digest: str) -> bool:
    """Whether this export is what was begun here. Raises NotForThisSiteError where anything else stands on the site."""
    if leases.noted(tx, _note(site)) == digest:
        return True
    if there := restored.standing(tx, site):
        said = ", ".join(f"{number} {what}" for what, number in there.items())
        raise NotForThisSiteError(
            f"{site} is not empty (it has {said}), and a lossless export goes into a site where nothing is: name "
            "another site or a new store. To bring only its comments to this one, export it without --people"
        )
    return False


def begin(tx: Transaction, site: SiteKey, found: Holdings) -> None:
    """Put back what the site's comments are judged by, and note which export it is. Nothing where that was done.

    The first people and posts come with it, so that no other export finds the site empty. Raises NotForThisSiteError.
    """
    if require_room(tx, site, found.digest):
        return
    lease = leases.take(tx, _note(site), found.digest)
    if lease is None or not leases.note(tx, lease, found.digest):
        raise NotForThisSiteError(f"another import into {site} is at work: wait until it is done")
    leases.give_back(tx, lease.name, lease.holder)
    if restored.standing(tx, site):  # whoever began at the same time has that lease behind them
        raise NotForThisSiteError(f"another import into {site} has just begun: wait until it is done")
    key_of = keys(tx, site, found.people)
    _put_policies(tx, site, key_of, found.policies)
    for one in found.lists:
        _put_list(tx, site, key_of, one)
    restored.put(tx, "rule_states", [{**_WATCHED_ANEW, **one, "site": site} for one in found.rules])
    put_people(tx, site, found.people, found.authors[:AT_ONCE])
    put_posts(tx, site, found.posts[:AT_ONCE])


def _note(site: SiteKey) -> str:
    """The lease that nobody holds for long: what it notes is which export was begun here."""
    return f"import {site}"


def keys(tx: Transaction, site: SiteKey, people: People) -> KeyOf:
    """The keys that the authors of an export have in this store."""
    secret = secrets.get_or_make(tx, AUTHOR_KEY)
    return lambda number: author_key(secret, Identity(site, *people[number], Profile("")))


def put_people(tx: Transaction, site: SiteKey, people: People, found: Sequence[Mapping[str, Any]]) -> None:
    """Put authors back as the export has them."""
    key_of = keys(tx, site, people)
    rows = [
        {
            **{name: one[name] for name in ("subject", "name", "bio", "url", "avatar", "first_seen", "banned_until")},
            "trusted": one["trusted"],
            "note": one["note"],
            "namespace": one["login"],
            "site": site,
            "author": key_of(one["number"]),
            "approved": 0,
            "rejected": 0,
        }
        for one in found
    ]
    restored.put(tx, "authors", rows)


def put_posts(tx: Transaction, site: SiteKey, found: Sequence[Mapping[str, Any]]) -> None:
    """Put posts back, still without comments."""
    rows = [
        {
            **{name: one[name] for name in ("open", "created_at", "published_at", "pinned_title", "pinned_url")},
            "site": site,
            "post": one["key"],
            "title": None,
            "url": None,
            "count": 0,
            "revision": 1,
            "comment_seq": 0,
        }
        for one in found
    ]
    restored.put(tx, "posts", rows)


def _put_policies(tx: Transaction, site: SiteKey, key_of: KeyOf, found: Sequence[Mapping[str, Any]]) -> None:
    """Put every version of the site's policy back."""
    rows = []
    for one in found:
        actor = _actor(one["actor"], key_of)
        said = {name: one[name] for name in ("version", "document", "digest", "note", "created_at")}
        rows.append({**said, "site": site, "actor_kind": actor.kind, "actor": actor.key, "actor_name": actor.name})
    restored.put(tx, "policies", rows)
    if rows:
        newest = max(one["version"] for one in found)
        events.append(tx, site, "policy.changed", GATEPOST, about={"policy_version": newest})


def _put_list(tx: Transaction, site: SiteKey, key_of: KeyOf, one: Mapping[str, Any]) -> None:
    kind = ListKind(one["kind"])
    kept = KeptList(
        name=one["name"],
        title=one["title"],
        kind=kind,
        note=one["note"],
        version=one["version"],
        entries=len(one["entries"]),
        changed_by=_actor(one["actor"], key_of),
        changed_at=one["changed_at"],
    )
    entries = [
        KeptEntry(
            entry_key(kind, entry["value"]),
            Entry(entry["value"], tuple(entry["exceptions"]), entry["until"]),
            entry["note"],
            _actor(entry["actor"], key_of),
            entry["created_at"],
        )
        for entry in one["entries"]
    ]
    events.append(tx, site, "list.changed", GATEPOST, about={"list": kept.name, "list_version": kept.version})
    lists.put(tx, site, kept)
    lists.change(tx, site, kept, add=entries, remove=())


def comment_of(comment: Comment, whole: Mapping[str, Any]) -> Comment:
    """`comment` as it was."""
    edit = whole["edit"]
    written_at = whole["created_at"] if whole["edited_at"] is None else whole["edited_at"]
    return replace(
        comment,
        author=Profile(whole["name"], whole["bio"], whole["url"], whole["avatar"]),
        text=replace(comment.text, version=whole["text_version"], submitted_at=written_at),
        version=whole["version"],
        by_rule=whole["by_rule"],
        published_at=whole["published_at"],
        label=Label(whole["post_title"], whole["post_url"]),
        pending_edit=_text(edit) if edit is not None else None,
    )


def record_of(
    comment: Comment, whole: Mapping[str, Any], key_of: KeyOf, *, length: int
) -> list[tuple[Decision, str | None]]:
    """Its lines of the record, which has `length` lines, each with the state before it. They stand below number 0."""
    return [(_decision(comment, one, key_of, length), _before(one["before"], key_of)) for one in whole["decisions"]]


def put_past(tx: Transaction, comment: Comment, whole: Mapping[str, Any], batch: BatchId) -> None:
    """Put back the texts that the comment had, what the policy and humans said of them, and where it came from first.

    A batch of the place where it came from is none here: by the name that it has here, nobody takes it for the import
    that brought it.
    """
    texts = [_text(one) for one in whole["texts"]]
    restored.put(
        tx,
        "revisions",
        [
            {
                "comment_id": comment.id,
                "version": text.version,
                "body": text.body,
                "html": text.html,
                "renderer": text.renderer,
                "submitted_at": text.submitted_at,
            }
            for text in texts
        ],
    )
    judged = [
        {**one, "comment_id": comment.id, "said": pydantic_core.to_json(one["said"]).decode()}
        for one in whole["judgements"]
    ]
    restored.put(tx, "judgements", judged)
    here = {"site": comment.site, "comment_id": comment.id}
    restored.put(tx, "rule_outcomes", [{**one, **here} for one in whole["outcomes"]])
    restored.put(tx, "imports", [{**one, **here, "batch": f"{batch} origins"} for one in whole["origins"]])


def call_post(tx: Transaction, site: SiteKey, post: PostKey) -> None:
    """The post is called as its newest approved comments call it."""
    title, url = carriers.newest_title(tx, site, post), carriers.newest_url(tx, site, post)
    posts.set_title(tx, site, post, title.says if title else None)
    posts.set_url(tx, site, post, url.says if url else None)


def _text(found: Mapping[str, Any]) -> Text:
    return Text(found["body"], to_html(found["body"]), RENDERER_VERSION, found["version"], found["submitted_at"])


def _decision(comment: Comment, one: Mapping[str, Any], key_of: KeyOf, length: int) -> Decision:
    return Decision(
        id=DecisionId(one["id"]),
        site=comment.site,
        seq=one["place"] - length - 1,
        comment_id=comment.id,
        action=Action(one["action"]),
        from_status=Status(one["from_status"]) if one["from_status"] else None,
        to_status=Status(one["to_status"]),
        version=one["version"],
        actor=_actor(one["actor"], key_of),
        reason=one["reason"],
        note=one["note"],
        note_to_author=one["note_to_author"],
        undoes=DecisionId(one["undoes"]) if one["undoes"] else None,
        created_at=one["created_at"],
        batch=BatchId(one["batch"]) if one["batch"] else None,
        reason_text=one["reason_text"],
        rules=tuple((one["rules"] or "").split()),
        policy_version=one["policy_version"],
    )


def _actor(said: Mapping[str, Any], key_of: KeyOf) -> Actor:
    key = key_of(said["author"]) if "author" in said else said["key"]
    return Actor(ActorKind(said["kind"]), key, said["name"])


def _before(state: Mapping[str, Any] | None, key_of: KeyOf) -> str | None:
    if state is None:
        return None
    for reason in (state.get("queue") or {}).get("reasons", ()):
        source = _actor(reason["from"], key_of)
        reason["from"] = {"kind": source.kind, "key": source.key, "name": source.name}
    return pydantic_core.to_json(state).decode()
