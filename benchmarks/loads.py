"""What `bench.py` asks the programs for, and by whom: wrk where it is installed, else `visitors.py`."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks import visitors
from benchmarks.server import ROOT, SITE

THREADS = 2
PATIENCE = "30s"
"""How long wrk waits for an answer before it calls the connection broken."""
POSTS = [f"post-{number}" for number in range(200)]
LONG_POST, HOT_POST = "long-post", "hot-post"
SCRIPT = Path(__file__).parent / "wrk.lua"


@dataclass(frozen=True, eq=False)
class Load:
    """Reads of the posts' first pages. `variant` is the first part of the bare program's path."""

    title: str
    posts: list[str]
    goal: float | None = None
    """At least so much of what the bare program does."""
    variant: str = "v1"
    headers: Mapping[str, str] = field(default_factory=dict)

    def paths(self, program: str) -> list[str]:
        """What `program` ("service" or "bare") is asked for."""
        first = self.variant if program == "bare" else "v1"
        return [f"/{first}/sites/{SITE}/posts/{post}/comments" for post in self.posts]


@dataclass(frozen=True)
class Seen:
    """What one run saw. Percentiles are milliseconds; in a mixed run they and the statuses are those of the reads."""

    requests: int
    seconds: float
    p50: float
    p99: float
    cpu_microseconds: float = 0.0
    """The server's processor time for each request."""

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds

    @property
    def busy(self) -> float:
        """How much of the time the server was at work; more than 1 where it had several processors."""
        return self.per_second * self.cpu_microseconds / 1e6


class WrongAnswerError(Exception):
    """A server that does not answer everything as it should cannot be measured."""


def loads(etag: str) -> list[Load]:
    """Every load of reads alone; `etag` is that of the first post's first page."""
    one, encoding = POSTS[:1], "Accept-Encoding"
    return [
        Load("list of 50, one post", one, 0.85),
        Load("list of 50, 200 posts", POSTS),
        Load("first page of 1,000", [LONG_POST], 0.85),
        Load("304, not modified", one, 0.9, "304", {"If-None-Match": etag}),
        Load("list of 50, gzip", one, None, "gzip", {encoding: "gzip"}),
        Load("list of 50, br", one, None, "br", {encoding: "br"}),
    ]


def has_wrk() -> bool:
    """Whether wrk is on the path."""
    return shutil.which("wrk") is not None


def read(load: Load, program: str, port: int, *, seconds: int, connections: int) -> Seen:
    """Put one load on one program. Raises WrongAnswerError."""
    paths = load.paths(program)
    if not has_wrk():
        requests = [request(path, port, load.headers) for path in paths]
        return visit(visitors.Task(port, requests, seconds, connections))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(paths))
        file.flush()
        headers = [part for name, value in load.headers.items() for part in ("-H", f"{name}: {value}")]
        done = subprocess.run(  # noqa: S603  # our own command
            [
                *("wrk", f"-t{THREADS}", f"-c{connections}", f"-d{seconds}s", "--timeout", PATIENCE, "-s", str(SCRIPT)),
                *(*headers, f"http://127.0.0.1:{port}", "--", file.name),
            ],
            stdout=subprocess.PIPE,
            check=True,
        )
    seen = json.loads(next(line for line in done.stdout.splitlines() if line.startswith(b"{")))
    if seen["refused"] or seen["broken"]:
        raise WrongAnswerError(f"{load.title}: {seen}")
    return Seen(seen["requests"], seen["seconds"], seen["p50"], seen["p99"])


def visit(task: visitors.Task) -> Seen:
    """Let a process of visitors work. Raises WrongAnswerError."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.visitors"],
        cwd=ROOT,
        input=json.dumps(asdict(task)).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    seen = json.loads(done.stdout)
    reads, submissions = seen["reads"], seen["submissions"]
    if seen["broken"] or set(reads["statuses"]) - {"200", "304"} or set(submissions["statuses"]) - {"202"}:
        raise WrongAnswerError(f"{seen}")
    if task.decisions and set(seen["decisions"]["statuses"]) != {"201"}:
        raise WrongAnswerError(f"{seen}")
    return Seen(reads["requests"] + submissions["requests"], seen["seconds"], reads["p50"], reads["p99"])


def decisions(comment: str, *, port: int, token: str, count: int) -> list[str]:
    """Requests that reject and approve an approved comment of version 1 in turn."""
    made = []
    for version in range(1, count + 1):
        content = json.dumps({"action": "reject" if version % 2 else "approve", "version": version})
        sizes = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        headers = {"Authorization": f"Bearer {token}", **sizes}
        made.append(request(f"/v1/sites/{SITE}/comments/{comment}/decisions", port, headers, method="POST") + content)
    return made


def request(path: str, port: int, headers: Mapping[str, str], *, method: str = "GET") -> str:
    """The text of one request, up to where its body begins."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""])
