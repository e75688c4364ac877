"""What a site holds as lines of JSON: the lossless export, and the content digest. docs/export.md says what they mean.

The lines are sorted, and hold nothing that hangs on the store in which they lie: authors are numbered, and nobody's key
is named. So two stores of equal content give equal lines, and an import of an export gives the same lines again.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from service.model import SiteKey
from service.store import content
from service.store.content import Row
from service.store.snapshot import Snapshot, Watch

STEP: Final = "content"
VERSION: Final = 1
TOLD_EVERY: Final = 500
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def header(moment: Snapshot, site: SiteKey, *, people: bool, watch: Watch) -> bytes:
    """The first line of an export: of what, and the digest of all its lines with people."""
    counts = content.size(moment, site)
    counts = counts if people else {name: number for name, number in counts.items() if name != "decisions"}
    said = {"format": "gatepost", "version": VERSION, "site": site, "people": people, "counts": counts}
    return _line({**said, "digest": digest(moment, site, watch)})


def digest(moment: Snapshot, site: SiteKey, watch: Watch) -> str:
    """The content digest of a site: the SHA-256 of the lines behind the header of an export with people."""
    whole = hashlib.sha256()
    for line in lines(moment, site, people=True, watch=watch):
        whole.update(line)
    return whole.hexdigest()


def lines(moment: Snapshot, site: SiteKey, *, people: bool, watch: Watch) -> Iterator[bytes]:
    """Posts, authors, policies, lists, rules, comments: each a line that ends in a line feed.

    Raises StoppedError and StoreError.
    """
    total = content.size(moment, site)["comments"]
    for post in content.posts_of(moment, site):
        yield _line({"post": _post(post)})
    numbers: dict[str, int] = {}
    for number, author in enumerate(content.authors_of(moment, site), start=1):
        numbers[author["author"]] = number
        yield _line({"author": {"number": number, **_author(author, people=people)}})
    if people:
        for policy in content.policies_of(moment, site):
            yield _line({"policy": _policy(policy, numbers)})
        for kept, entries in content.lists_of(moment, site):
            yield _line({"list": _list(kept, entries, numbers)})
        for rule in content.rules_of(moment, site):
            yield _line({"rule": _rule(rule)})
    for done, (comment, belonging) in enumerate(content.comments_of(moment, site)):
        if done % TOLD_EVERY == 0:
            watch.tell(STEP, done, total)
        yield _line({"comment": _comment(comment, belonging, numbers, people=people)})
    watch.tell(STEP, total, total)


def _post(row: Row) -> dict[str, Any]:
    return {
        "key": row["post"],
        "title": row["pinned_title"] or row["title"],
        "url": row["pinned_url"] or row["url"],
        "pinned_title": row["pinned_title"],
        "pinned_url": row["pinned_url"],
        "open": bool(row["open"]),
        "created_at": row["created_at"],
        "published_at": row["published_at"],
    }


def _author(row: Row, *, people: bool) -> dict[str, Any]:
    shown = {name: row[name] for name in ("name", "bio", "url", "avatar")}
    if not people:
        return shown
    held = {name: row[name] for name in ("subject", "first_seen", "banned_until", "note")}
    return {"login": row["namespace"], **held, "trusted": bool(row["trusted"]), **shown}


def _policy(row: Row, numbers: Mapping[str, int]) -> dict[str, Any]:
    said = {name: row[name] for name in ("version", "document", "digest", "note", "created_at")}
    return {**said, "actor": _actor(row["actor_kind"], row["actor"], row["actor_name"], numbers)}


def _list(row: Row, entries: Sequence[Row], numbers: Mapping[str, int]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("name", "title", "kind", "note", "version", "changed_at")},
        "actor": _actor(row["actor_kind"], row["actor"], row["actor_name"], numbers),
        "entries": [
            {
                **{name: one[name] for name in ("value", "note", "until", "created_at")},
                "exceptions": json.loads(one["exceptions"]),
                "actor": _actor(one["actor_kind"], one["actor"], one["actor_name"], numbers),
            }
            for one in entries
        ],
    }


def _comment(
    row: Row, belonging: Mapping[str, list[Row]], numbers: Mapping[str, int], *, people: bool
) -> dict[str, Any]:
    edit = {"body": row["edit_body"], "version": row["edit_version"], "submitted_at": row["edit_submitted_at"]}
    texts = [
        {name: text[name] for name in ("version", "body", "submitted_at")} for text in belonging.get("revisions", ())
    ]
    made_of = [{"format": one["format"], "body": one["body"]} for one in belonging.get("originals", ())]
    said = {
        "id": row["id"],
        "post": row["post"],
        "parent": row["parent_id"],
        "author": numbers[row["author"]],
        "name": row["author_name"],
        "bio": row["author_bio"],
        "url": row["author_url"],
        "avatar": row["author_avatar"],
        "status": row["status"],
        "created_at": row["created_at"],
        "edited_at": row["edited_at"],
        "published_at": row["published_at"],
        "shown_at": row["shown_at"],
        "anchor": row["anchor"],
        "post_title": row["post_title"],
        "post_url": row["post_url"],
        "version": row["version"],
        "text_version": row["text_version"],
        "by_rule": bool(row["by_rule"]),
        "body": row["body"],
        "edit": edit if row["edit_body"] is not None else None,
        "texts": texts,
        "original": made_of[0] if made_of else None,
        "origins": [{name: one[name] for name in _OF_AN_ORIGIN} for one in belonging.get("imports", ())],
    }
    if not people:
        return said
    return {
        **said,
        "decisions": [_decision(one, numbers) for one in belonging.get("decisions", ())],
        "judgements": [
            {**{name: one[name] for name in _OF_A_JUDGEMENT}, "said": json.loads(one["said"])}
            for one in belonging.get("judgements", ())
        ],
        "outcomes": [
            {**{name: one[name] for name in ("rule", "said", "at")}, "agreed": bool(one["agreed"])}
            for one in belonging.get("rule_outcomes", ())
        ],
    }


def _rule(row: Row) -> dict[str, Any]:
    more = {name: row[name] for name in _MORE_OF_A_RULE if row[name] is not None}
    return {name: row[name] for name in _OF_A_RULE} | more


_OF_A_RULE: Final = ("rule", "since", "braked_at", "why", "acted", "of_all")
_MORE_OF_A_RULE: Final = ("changed_at", "learns_since")
_OF_AN_ORIGIN: Final = ("source", "source_id", "digest", "version")
_OF_A_JUDGEMENT: Final = ("text_version", "policy_version", "outcome", "marks", "priority", "created_at")
_OF_A_DECISION: Final = ("id", "place", "action", "from_status", "to_status", "version", "reason", "note")
_MORE_OF_A_DECISION: Final = (
    "note_to_author",
    "undoes",
    "created_at",
    "batch",
    "reason_text",
    "rules",
    "policy_version",
)


def _decision(row: Row, numbers: Mapping[str, int]) -> dict[str, Any]:
    before = json.loads(row["before"]) if row["before"] is not None else None
    for reason in ((before or {}).get("queue") or {}).get("reasons", ()):
        source = reason["from"]
        reason["from"] = _actor(source["kind"], source["key"], source["name"], numbers)
    return {
        **{name: row[name] for name in (*_OF_A_DECISION, *_MORE_OF_A_DECISION)},
        "actor": _actor(row["actor_kind"], row["actor"], row["actor_name"], numbers),
        "before": before,
    }


def _actor(kind: str, key: str, name: str, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Somebody who acted: as an author of the file where they are one, else by the key that they have in this store."""
    who = {"author": numbers[key]} if key in numbers else {"key": key}
    return {"kind": kind, "name": name, **who}


def _line(value: Mapping[str, Any]) -> bytes:
    return f"{_encode(value)}\n".encode()
