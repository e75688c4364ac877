"""Whether the lines of a lossless export fit together: what the shape of a single line (`lines`) cannot say.

`whole` asks for every line before anything is written. An export that a store wrote passes; one that somebody made or
changed may name people and posts that are not in it, or say things twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service import strict_json
from service.store.policies import digest_of
from service.store.staged import Stage
from service.triage.lists.entry import ListKind, exception_mistake, key_of, mistake

Found = Mapping[str, Any]


class UnfitError(Exception):
    """A line does not fit to the lines before it, or to the site. Its text says why."""


class Wholeness:
    """Remembers what the lines so far have named. `longest`: how many characters a text may have on the site."""

    def __init__(self, stage: Stage, *, longest: int, length: int) -> None:
        self._stage = stage
        self._longest = longest
        self._length = length
        self._people: set[int] = set()
        self._posts: set[str] = set()

    def author(self, found: Found) -> None:
        """Raises UnfitError."""
        for name in ("login", "subject", "first_seen", "banned_until", "trusted", "note"):
            _require(name in found, f"author.{name} is missing")
        self._require_first("author", found["login"], found["subject"])
        _require(found["number"] not in self._people, f"two authors have the number {found['number']}")
        self._people.add(found["number"])

    def post(self, found: Found) -> None:
        """Raises UnfitError."""
        _require(found["key"] not in self._posts, "the post is there twice")
        self._posts.add(found["key"])

    def policy(self, found: Found) -> None:
        """Raises UnfitError."""
        self._require_first("policy", found["version"])
        self._require_known(found["actor"])
        try:
            is_object = isinstance(strict_json.parse(found["document"].encode()), dict)
        except ValueError:
            is_object = False
        _require(is_object, "policy.document is no JSON object")
        _require(found["digest"] == digest_of(found["version"], found["document"]), "policy.digest is another one")

    def list(self, found: Found) -> None:
        """Raises UnfitError."""
        self._require_first("list", found["name"])
        self._require_known(found["actor"])
        kind = ListKind(found["kind"])
        for number, entry in enumerate(found["entries"]):
            self._require_known(entry["actor"])
            mistakes = (exception_mistake(kind, entry["value"], one) for one in entry["exceptions"])
            why = mistake(kind, entry["value"]) or next(filter(None, mistakes), None)
            _require(why is None, f"list.entries.{number}: {why}")
            self._require_first("entry", found["name"], key_of(kind, entry["value"]))

    def rule(self, found: Found) -> None:
        """Raises UnfitError."""
        self._require_first("rule", found["rule"])

    def comment(self, found: Found) -> None:
        """Raises UnfitError."""
        for name in ("decisions", "judgements", "outcomes"):
            _require(name in found, f"comment.{name} is missing")
        _require(found["author"] in self._people, f"comment.author: there is no author {found['author']} before it")
        _require(found["post"] in self._posts, "comment.post: there is no such post before it")
        self._require_first("id", found["id"])
        for name in ("published_at", "shown_at"):
            _require(found["status"] != "approved" or found[name] is not None, f"comment.{name}: it is approved")
        for text in (found, *found["texts"], *([found["edit"]] if found["edit"] else [])):
            _require(
                len(text["body"].strip()) <= self._longest,
                f"a text has more than {self._longest} characters, which the site does not allow (max_body_length)",
            )
        for origin in found["origins"]:
            _require(origin["source_id"] != found["id"], "comment.origins names the comment itself")
            self._require_first("origin", origin["source"], origin["source_id"])
        self._record(found["decisions"])

    def _record(self, decisions: Sequence[Found]) -> None:
        before: set[str | None] = {None}
        for one in decisions:
            self._require_first("id", one["id"])
            self._require_first("place", one["place"])
            _require(one["place"] <= self._length, f"a decision has the place {one['place']}, of {self._length}")
            _require(one["undoes"] in before, "a decision undoes one that does not stand before it")
            for actor in (one["actor"], *_actors_before(one)):
                self._require_known(actor)
            before.add(one["id"])

    def _require_known(self, actor: Found) -> None:
        number = actor.get("author")
        _require(
            "key" in actor if number is None else number in self._people and "key" not in actor,
            "somebody acted who is neither an author before it nor has a key",
        )

    def _require_first(self, *named: object) -> None:
        _require(self._stage.is_first("\0".join(map(str, named))), f"this {named[0]} is there twice: {named[-1]}")


def _actors_before(decision: Found) -> Iterator[Found]:
    queue = (decision["before"] or {}).get("queue") or {}
    for reason in queue.get("reasons", ()):
        yield reason["from"]


def _require(holds: bool, otherwise: str) -> None:  # it is what is required
    if not holds:
        raise UnfitError(otherwise)
