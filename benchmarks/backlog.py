"""Whether moderators' calls and the desk's queue cost the same with 100,000 comments waiting as with 100.

`python -m benchmarks.backlog`.
Fills two stores by the service's own verbs, starts a service on each, and sends both the same calls in turns. Whatever
a call finds is equally much in both, and stands at the end of the queue, behind everything else. Prints medians and
their ratio, and the processor time of the services for each call, which says more where others use the machine.

    --waiting 100000            in the long queue
    --short 100                 in the short one
    --rounds 200                how often each call is sent to each
    --engine postgres           on PostgreSQL servers of its own (from the wheel of the tests)
    --quick                     10,000 and 50 rounds
    --only "q=, in all"         this call alone
    --folder .                  where the stores go
"""

import argparse
import asyncio
import http.client
import json
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import sample
from statistics import median
from urllib.parse import quote, urlencode

import psycopg
from typer import echo

from benchmarks.driver import PROSE
from benchmarks.server import SITE, Server
from service.model import (
    Action,
    Actor,
    ActorKind,
    AuthorKey,
    Caller,
    Comment,
    Identity,
    PostKey,
    Profile,
    SiteKey,
    SiteRules,
    system_clock,
)
from service.moderation import decisions, submissions
from service.moderation.decisions import Ruling
from service.moderation.submissions import Draft
from service.store import search_index
from service.store.database import Database
from tests.faults.own_postgres import own_postgres

RARE = 25
"""Entries that the narrow calls find, in either store."""
AT_ONCE = 256
MODERATOR = Actor(ActorKind.MODERATOR, "mo", "Mo")


class Store:
    """One filled store, the service on it and a moderator's connection to that."""

    def __init__(self, folder: Path, url: str, waiting: int) -> None:
        self.since = asyncio.run(_fill(url, waiting))
        self._server = Server(folder, url)
        self._server.start()
        self._token = self._server.token("mo", roles=["moderator"])
        self._connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=120)
        self._cookie = self._signed_in()

    def call(self, method: str, path: str, content: object = None) -> tuple[float, object]:
        """Milliseconds until the whole answer was there, and what was in it. `path` is below the site's calls of the
        API, or, with a slash in front, a page of the desk."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if path.startswith("/"):
            headers = {"Cookie": self._cookie}
        body = json.dumps(content) if content is not None else None
        started = time.perf_counter()
        self._connection.request(method, path if path.startswith("/") else f"/v1/sites/{SITE}/{path}", body, headers)
        answer = self._connection.getresponse()
        received = answer.read()
        taken = (time.perf_counter() - started) * 1000
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {received[:300]!r}")
        if path.startswith("/"):
            return taken, received.decode()
        return taken, json.loads(received) if received else None

    def _signed_in(self) -> str:
        """The cookie of a session at the desk."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        self._connection.request("POST", f"/desk/{SITE}/sign-in", urlencode({"token": self._token}), headers)
        answer = self._connection.getresponse()
        answer.read()
        return str(answer.headers["Set-Cookie"]).partition(";")[0]

    def hang_up(self) -> None:
        """The next call opens a connection: the service closes one that was idle while the other store was filled."""
        self._connection.close()

    def cpu_seconds(self) -> float:
        """Processor time that the service has used."""
        return self._server.cpu_seconds()

    def stop(self) -> None:
        """End the service."""
        self._connection.close()
        self._server.stop()


def main() -> None:
    """Fill, call, print."""
    asked = _arguments()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=asked.folder, prefix="benchmark-")))
        stores: dict[str, Store] = {}
        addresses: list[str] = []
        for name, waiting in (("short", asked.short), ("long", asked.waiting)):
            (folder / name).mkdir()
            own = stack.enter_context(own_postgres()).url if asked.engine == "postgres" else ""
            addresses.append(own or f"sqlite:///{folder}/{name}/gatepost.db")
            started = time.perf_counter()
            stores[name] = Store(folder / name, addresses[-1], waiting)
            stack.callback(stores[name].stop)
            echo(f"{waiting} waiting: filled in {time.perf_counter() - started:.0f} s")
        for one in stores.values():
            one.hang_up()
        if asked.engine == "postgres":
            for address in addresses:
                with psycopg.connect(address, autocommit=True) as connection:
                    connection.execute("VACUUM ANALYZE")  # as autovacuum does in time
        echo(f"\n{asked.engine}, medians of {asked.rounds}, milliseconds: {asked.short} and {asked.waiting} waiting\n")
        for name, (method, path, content) in _calls().items():
            if asked.only not in ("", name):
                continue
            _compare(name, method, path, content, stores, asked.rounds)


def _calls() -> dict[str, tuple[str, str, object]]:
    """By name: method, path, body. `{since}` is the moment before the last decisions of a store."""
    queues = {
        "limit=20": "limit=20",
        "order=priority": "limit=20&order=priority",
        "reason=awaiting-approval": "limit=20&reason=awaiting-approval",
        "reason=edited": "limit=20&reason=edited",
        "reason=restored": "limit=20&reason=restored",
        "post=": "limit=20&post=quiet",
        "author=": "limit=20&author=carol",
        "q=, in few": "limit=20&q=Marmalade",
        "q=, in all": "limit=20&q=Morning",
        "q=, in none": "limit=20&q=" + quote("no such words"),
        "q= of two letters": "limit=20&q=zq",
        "q= and reason=": "limit=20&q=marmalade&reason=awaiting-approval",
    }
    calls: dict[str, tuple[str, str, object]] = {
        name: ("GET", f"queue?{query}", None) for name, query in queues.items()
    }
    desk = {"desk": "", "desk, reason=": "?reason=awaiting-approval", "desk, order=priority": "?order=priority"}
    calls |= {name: ("GET", f"/desk/{SITE}/{query}", None) for name, query in desk.items()}
    calls["claim 20"] = ("POST", "queue/claims", {"limit": 20, "lease_seconds": 600})
    calls["give back"] = ("DELETE", "queue/claims", None)
    calls["decisions?since="] = ("GET", "decisions?limit=20&since={since}", None)
    return calls


def _compare(name: str, method: str, path: str, content: object, stores: dict[str, Store], rounds: int) -> None:
    taken: dict[str, list[float]] = {store: [] for store in stores}
    found: dict[str, str] = {}
    before = {store: one.cpu_seconds() for store, one in stores.items()}
    for _ in range(rounds):
        for store in sample(list(stores), len(stores)):
            one = stores[store]
            milliseconds, answer = one.call(method, path.format(since=quote(one.since)), content)
            taken[store].append(milliseconds)
            found[store] = _in_short(answer)
            if name == "claim 20":
                one.call("DELETE", "queue/claims")
            if name == "give back":
                one.call("POST", "queue/claims", {"limit": 20, "lease_seconds": 600})
    used = {store: (one.cpu_seconds() - before[store]) * 1000 / rounds for store, one in stores.items()}
    short, long = (median(each) for each in taken.values())
    echo(f"{name:26} {short:7.2f} {long:9.2f}   {long / short:6.2f}   {found['short']} / {found['long']}")
    echo(f"{'':26} {used['short']:7.2f} {used['long']:9.2f}   {used['long'] / used['short']:6.2f}   of the processor")


def _in_short(answer: object) -> str:
    if isinstance(answer, str):
        return f"{answer.count('<article data-card')} cards"
    if not isinstance(answer, dict):
        return "-"
    listed: list[object] = answer.get("entries") or answer.get("decisions") or []
    total = answer.get("total", "")
    return f"{len(listed)} of {total}{'' if answer.get('total_is_exact', True) else '+'}"


async def _fill(url: str, waiting: int) -> str:
    """So many that wait; last those that the narrow calls find. The moment before the last decisions."""
    site = SiteRules(SiteKey(SITE))
    database = await Database.open(url, clock=system_clock, statement_seconds=120)

    async def submit(number: int, *, by: str, post: str, text: str) -> Comment:
        who = Identity(site.key, "jwt", by, Profile(by.title()))
        draft = Draft(text, f"<p>{text}</p>")
        return await database.write(submissions.submit, site, PostKey(post), AuthorKey(by), who, draft)

    async def decide(comment: Comment, action: Action) -> Comment:
        _, after = await database.write(decisions.decide, site, Ruling(comment.id, action, comment.version), MODERATOR)
        return after

    try:
        for start in range(0, waiting - 3 * RARE, AT_ONCE):
            numbers = range(start, min(waiting - 3 * RARE, start + AT_ONCE))
            await asyncio.gather(
                *(submit(n, by=f"reader {n % 640}", post=f"post {n % 200}", text=f"{n}: {PROSE}") for n in numbers)
            )
        for number in range(RARE):
            edited = await decide(await submit(number, by="bob", post="busy", text=f"Old {number}"), Action.APPROVE)
            caller = Caller(AuthorKey("bob"), Profile("Bob"), frozenset())
            await database.write(
                submissions.edit, site, edited.id, caller, Draft(f"New {number}", ""), version=edited.version
            )
            rejected = await decide(await submit(number, by="bob", post="busy", text=f"No {number}"), Action.REJECT)
            await decide(rejected, Action.RESTORE)
        await asyncio.sleep(0.002)
        since = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for number in range(RARE):
            await submit(number, by="carol", post="quiet", text=f"Marmalade {number}: {PROSE}")
        await search_index.keep(database, "benchmark")  # else the service would make it beside the first calls
    finally:
        await database.close()
    return since


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--short", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=["", *_calls()], default="")
    parser.add_argument("--folder", default=".")
    asked = parser.parse_args()
    if asked.quick:
        asked.waiting, asked.rounds = 10_000, 50
    return asked


if __name__ == "__main__":
    main()
