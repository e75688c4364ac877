"""Somebody who follows what readers see by the event feed alone, and holds the published comments from it."""

from dataclasses import dataclass, field
from typing import Any

from tests.harness import Person

OF_READERS = ["comment.published", "comment.changed", "comment.removed"]


@dataclass
class Subscriber:
    """Hears of three types only, looks at nothing else, and drops what comes twice."""

    person: Person
    types: list[str] = field(default_factory=lambda: list(OF_READERS))
    position: int | None = None
    texts: dict[str, str] = field(default_factory=dict)
    """The bodies of the comments that are public, as far as was heard, by their ids."""
    heard: list[tuple[str, str, int]] = field(default_factory=list)
    """Id, type and number of everything, in the order in which it came."""
    versions: dict[str, int] = field(default_factory=dict)

    async def catch_up(self) -> None:
        """Hear everything that has happened since."""
        while True:
            query: list[tuple[str, str | int]] = [("types", type_) for type_ in self.types]
            if self.position is not None:
                query.append(("after", self.position))
            answer = await self.person.get("events", params=query)
            assert answer.status == 200, answer.json
            for event in answer.json["events"]:
                self.hear(event)
            if answer.json["last_seq"] == self.position:
                return
            self.position = answer.json["last_seq"]

    def hear(self, event: Any) -> None:
        """Be told of one event, by whatever way."""
        told = (event["id"], event["type"], event["data"]["seq"])
        if told in self.heard:
            return
        self.heard.append(told)
        comment = event["data"].get("comment")
        if comment is None:
            return
        if comment["version"] < self.versions.get(comment["id"], 0):
            return
        self.versions[comment["id"]] = comment["version"]
        if comment["status"] == "approved":
            self.texts[comment["id"]] = comment["body"]
        else:
            self.texts.pop(comment["id"], None)
