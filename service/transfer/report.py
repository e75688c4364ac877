"""What an import found, and what became of it: in words for people, as JSON for programs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from service.text import visible

MOST_SAID: Final = 20
"""Problems that are told in words, each with its line."""
MOST_LINES: Final = 1_000
"""Line numbers that are kept of each problem."""
MOST_POSTS_SAID: Final = 20
MOST_KINDS: Final = 300
OTHERS: Final = "has something else that is wrong"


@dataclass(slots=True)
class PostKeyFound:
    """A post that gets comments: how many, and of how many threads; whether the site has it already, and which other
    keys differ from it only by case or slash."""

    key: str
    comments: int
    threads: int
    url: str | None
    is_there: bool = False
    alike: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """Grows while an import is read, looked at and written."""

    site: str = ""
    format: str = ""
    files: list[str] = field(default_factory=list)
    by_status: dict[str, int] = field(default_factory=dict)
    authors: int = 0
    posts: list[PostKeyFound] = field(default_factory=list)
    known: int = 0
    personal: int = 0
    blocked: int = 0
    problems: dict[str, list[int]] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)
    batch: str | None = None
    new: int = 0
    updated: int = 0
    kept: int = 0

    @property
    def comments(self) -> int:
        """How many are ready to come, or are there already."""
        return sum(self.by_status.values())

    def problem(self, line: int, why: str) -> None:
        """Something is left out, or comes otherwise than it stood."""
        if len(self.said) < MOST_SAID:
            self.said.append(f"line {line}: {why}")
        self.count(line, why)

    def count(self, line: int, why: str) -> None:
        """The same, of what need not be among the first that are told."""
        if why not in self.problems and len(self.problems) >= MOST_KINDS:  # some quote the file
            why = OTHERS
        self.counted[why] += 1
        lines = self.problems.setdefault(why, [])
        if len(lines) < MOST_LINES:
            lines.append(line)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "site": self.site,
            "format": self.format,
            "files": self.files,
            "comments": self.comments,
            "by_status": self.by_status,
            "known": self.known,
            "authors": self.authors,
            "posts": [
                {
                    "key": post.key,
                    "comments": post.comments,
                    "threads": post.threads,
                    "url": post.url,
                    "is_there": post.is_there,
                    "alike": post.alike,
                }
                for post in self.posts
            ],
            "personal_left_out": self.personal,
            "blocked": self.blocked,
            "problems": [
                {"why": why, "count": self.counted[why], "lines": lines} for why, lines in self.problems.items()
            ],
            "batch": self.batch,
            "new": self.new,
            "updated": self.updated,
            "kept": self.kept,
        }

    def words(self) -> Iterator[str]:
        """For people, before anything is written. Lines for a terminal: what the file says may hold anything."""
        for line in self._words():
            yield "  " * line.startswith("  ") + visible.clean_line(line)

    def _words(self) -> Iterator[str]:
        by_status = ", ".join(f"{number} {status}" for status, number in self.by_status.items()) or "none"
        yield f"Read as {self.format}: {', '.join(self.files)}"
        yield f"Comments: {self.comments} ({by_status}), people: {self.authors}, posts: {len(self.posts)}."
        if self.known:
            yield f"Already here: {self.known}."
        if self.personal:
            yield f"Not stored: {self.personal} e-mail addresses, IP addresses, user agents and votes."
        if self.blocked:
            yield f"Blocked there: {self.blocked} people. Those of them who commented come in as banned with --bans."
        for post in self.posts[:MOST_POSTS_SAID]:
            yield f"  {post.key}: {post.comments}{_marks(post)}"
        if len(self.posts) > MOST_POSTS_SAID:
            yield f"  ... and {len(self.posts) - MOST_POSTS_SAID} more posts: --report FILE.json lists all"
        if self.counted:
            yield f"Problems: {self.counted.total()}."
            yield from (f"  {said}" for said in self.said)
            if self.counted.total() > len(self.said):
                yield f"  ... and {self.counted.total() - len(self.said)} more: --report FILE.json lists all"

    def outcome(self) -> Iterator[str]:
        """For people, once it is done."""
        yield f"Brought: {self.new} new, {self.updated} anew; {self.known} were here already."
        if self.kept:
            yield f"Left as they are, since somebody decided about them here: {self.kept}."
        if self.batch:
            yield f"To take it back: {self.undoing(self.batch)}"

    def undoing(self, batch: str) -> str:
        """The command that does."""
        return f"gatepost import --undo {batch} --site {self.site}"


def _marks(post: PostKeyFound) -> str:
    marks = ["the site has it" if post.is_there else ""]
    marks.append(f"of {post.threads} threads" if post.threads > 1 else "")
    marks.append(f"looks like {', '.join(post.alike)}" if post.alike else "")
    said = ", ".join(mark for mark in marks if mark)
    return f" ({said})" if said else ""
