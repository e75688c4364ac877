"""Puts back a site from a lossless export: first its people, posts and policies, then comments with all of their past.

Such a comment lies on the stage with its line of the export (`Staged.whole`). For `arriving` and `importing`, which
bring it like any other; what only an export knows of it is here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pydantic_core

from service.auth.login import author_key
from service.model import (
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
from service.store import carriers, posts, restored, secrets
from service.store.database import Transaction
from service.text.render import RENDERER_VERSION, to_html

People = Mapping[int, tuple[str, str]]
"""The namespace and the subject of each author of an export, by number."""
KeyOf = Callable[[int], AuthorKey]


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


def put_policies(tx: Transaction, site: SiteKey, people: People, found: Sequence[Mapping[str, Any]]) -> None:
    """Put every version of the site's policy back."""
    key_of = keys(tx, site, people)
    rows = []
    for one in found:
        actor = _actor(one["actor"], key_of)
        said = {name: one[name] for name in ("version", "document", "digest", "note", "created_at")}
        rows.append({**said, "site": site, "actor_kind": actor.kind, "actor": actor.key, "actor_name": actor.name})
    restored.put(tx, "policies", rows)


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


def put_past(tx: Transaction, comment: Comment, whole: Mapping[str, Any]) -> None:
    """Put back the texts that the comment had, and what the policy said of them."""
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
