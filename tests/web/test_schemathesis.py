"""Schemathesis reads the OpenAPI document and calls a running service, trying to prove one of the two wrong.

All its checks are on, with requests that fit the document and requests that do not, alone and in sequences, as a
visitor, a reader and a moderator. The requests are the same in every run. Where a request fits the document and yet
cannot succeed, because it would have to know what only this service's replies say, `Knowledge` puts that into it.
"""

import asyncio
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import events, from_schema
from schemathesis.engine.run import PhaseName
from schemathesis.hooks import HookContext

from service import app, settings
from service.text import render
from service.web import openapi
from tests.harness import ORIGIN, Gatepost, Hands, configuration, token

EXAMPLES = 10 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 5
"""Drawn for each call and each kind of request, beyond the boundary values that schemathesis always tries."""
PEOPLE: dict[str, dict[str, Any] | None] = {
    "visitor": None,
    "reader": {"subject": "ada"},
    "moderator": {"subject": "mo", "roles": ["moderator"]},
}
CHECKS = {
    # 413 and 431 refuse as well: a value may be too long even to be read. Not 5xx, which the default has.
    "negative_data_rejection": {
        "expected-statuses": ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429", "431"]
    },
    "positive_data_acceptance": {"expected-statuses": ["2xx", "304", "401", "403", "404", "409"]},
}
EXCEPTIONS = [
    {
        # DELETE withdraws: the public gets 404, the author and moderators still see the comment, as `deleted`. So says
        # the contract, and `test_a_withdrawn_comment_is_gone_for_the_public_only` holds it.
        "include-name": "GET /v1/sites/{site}/comments/{id}",
        "checks": {"use_after_free": {"enabled": False}},
    },
    *(
        {"include-name": name, "checks": {"positive_data_acceptance": {"enabled": False}}}
        for name in (
            # These are changed upon a version that only the last reply tells (412, 428), and no schema can say which
            # words a list takes.
            "PUT /v1/sites/{site}/lists/{list}",
            "DELETE /v1/sites/{site}/lists/{list}",
            "PATCH /v1/sites/{site}/lists/{list}/entries",
            # A document is any object; what is wrong in it is the answer.
            "POST /v1/sites/{site}/policy/trials",
            "POST /v1/sites/{site}/policy/validations",
        )
    ),
]
PHASES = {PhaseName.EXAMPLES, PhaseName.COVERAGE, PhaseName.FUZZING, PhaseName.STATEFUL_TESTING}


class Knowledge:
    """What a caller knows from earlier replies: which comments, authors, decisions and posts there are."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}
        self.root = ""

    async def gather(self, gatepost: Gatepost) -> None:
        """Comments in every status, an edit that waits, a banned author, a closed post; then what there is to know."""
        moderator, ada = gatepost.moderator("seed"), gatepost.reader("ada")
        comments = [await gatepost.approved("Approved", by="ada"), await gatepost.approved("Edited", by="ada")]
        comments.append(await gatepost.approved("A reply", by="bob", parent_id=comments[0]["id"]))
        await ada.edit(comments[1]["id"], "Edited, to be approved", comments[1]["version"])
        for action in ("reject", "spam", "delete"):
            comments.append((await ada.submit(f"To {action}")).json["comment"])
            await moderator.decide(comments[-1]["id"], action, 1)
        for author in ("ada", "banned"):
            comments.append((await gatepost.reader(author).submit("Pending")).json["comment"])
        banned = comments[-1]["author"]["key"]
        await moderator.call("PATCH", f"authors/{banned}", json={"banned_until": "forever"})
        await moderator.call("PATCH", "posts/closed", json={"open": False})
        self.root = (await gatepost.approved("To be replied to", by="bob", post="thread"))["id"]
        record = (await moderator.get("decisions")).json["decisions"]
        self.known = {
            "id": [comment["id"] for comment in comments],
            "key": [comments[0]["author"]["key"], banned],
            "post": ["post", "closed", "with/slash"],
            "decision": [decision["id"] for decision in record],
        }

    def put_into(self, case: schemathesis.Case[Any]) -> None:
        """Make a request that fits the document one that can succeed. What is wrong on purpose stays wrong."""
        in_sequence = case.meta is not None and case.meta.phase.name == "stateful"
        if not _is_wrong(case, ParameterLocation.PATH):
            self._choose_path(case, in_sequence=in_sequence)
        if not _is_wrong(case, ParameterLocation.QUERY) and case.query:
            # A cursor is signed for one list. Others are 400 `bad-cursor`; no schema can tell them from good ones.
            case.query.pop("cursor", None)
        if not _is_wrong(case, ParameterLocation.BODY) and isinstance(case.body, dict):
            self._choose_in_body(case, case.body, in_sequence=in_sequence)
        if not _is_wrong(case, ParameterLocation.HEADER) and "Idempotency-Key" in case.headers:
            # A key belongs to one request (422 for another one): the same request repeats it, another never does.
            request = json.dumps([dict(case.path_parameters), repr(case.body)], sort_keys=True)
            case.headers["Idempotency-Key"] = f"{zlib.crc32(request.encode())}-{case.headers['Idempotency-Key'][:200]}"

    def _choose_path(self, case: schemathesis.Case[Any], *, in_sequence: bool) -> None:
        path = case.path_parameters
        if "site" in path:
            path["site"] = "blog"
        for name in ("id", "key", "post"):
            if name in path and not in_sequence:
                kind = "decision" if "/decisions/{id}" in case.path else name
                path[name] = quote(_one_of([*self.known[kind], path[name]], by=path[name]), safe="%")

    def _choose_in_body(self, case: schemathesis.Case[Any], body: dict[str, Any], *, in_sequence: bool) -> None:
        if body.get("parent_id") and in_sequence:
            body["parent_id"] = None  # an earlier step may have taken it down (422 `unknown-parent`)
        elif body.get("parent_id"):
            # A reply must be on its parent's post (422 `unknown-parent`).
            body["parent_id"], case.path_parameters["post"] = self.root, "thread"
        if isinstance(body.get("body"), str) and render.shows_nothing(render.to_html(body["body"])):
            body["body"] = "."  # a text must show (422); no pattern can say of which CommonMark nothing does
        for label in (body, body.get("post")):
            if isinstance(label, dict) and label.get("url"):  # a post is on one of the site's origins
                label["url"] = f"{ORIGIN}/{quote(label['url'])}"[:2_000]
            if isinstance(label, dict) and label.get("title"):  # what a moderator pins must show something
                label["title"] = f"A{label['title'][1:]}"
        for item in body.get("decisions", []):
            item["comment_id"] = _one_of([*self.known["id"], item["comment_id"]], by=item["comment_id"])


def _is_wrong(case: schemathesis.Case[Any], location: ParameterLocation) -> bool:
    return case.meta is not None and case.meta.is_negative_at(location)


def _one_of(candidates: list[str], *, by: str) -> str:
    return candidates[zlib.crc32(by.encode()) % len(candidates)]


@contextmanager
def running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop on a thread of its own: schemathesis blocks while the service answers."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def service(store_url: str) -> Iterator[tuple[str, Knowledge, Hands]]:
    """The address of a running service, what is to know of it, and its clock."""
    knowledge, clock = Knowledge(), Hands()

    async def start() -> app.Running:
        running = await app.start(settings.parse(configuration(store_url)), clock=clock)
        async with aiohttp.ClientSession(running.address) as session:
            await knowledge.gather(Gatepost(running, session, clock))
        return running

    with running_loop() as loop:
        running = asyncio.run_coroutine_threadsafe(start(), loop).result()
        yield running.address, knowledge, clock
        asyncio.run_coroutine_threadsafe(running.stop(drain_seconds=0), loop).result()


@pytest.fixture
def hooks() -> Iterator[None]:
    """Whatever hooks the test registers, gone after it."""
    yield
    schemathesis.hooks.unregister_all()


@pytest.mark.slow
@pytest.mark.timeout(600)  # some seconds of work, but a busy machine takes its time
@pytest.mark.usefixtures("hooks")
@pytest.mark.parametrize("who", PEOPLE)
def test_schemathesis_finds_nothing(who: str, service: tuple[str, Knowledge, Hands]) -> None:
    address, knowledge, clock = service

    @schemathesis.hook
    def before_call(context: HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
        knowledge.put_into(case)

    claims = PEOPLE[who]
    headers = {} if claims is None else {"Authorization": f"Bearer {token(now=clock(), **claims)}"}
    found, phases, statuses = explore(address, headers)
    assert found == []
    assert phases == PHASES
    # Enough of it got through to mean something.
    assert {200, 304, 401, 404, 405, 422} <= statuses


def explore(address: str, headers: dict[str, str]) -> tuple[list[str], set[PhaseName], set[int]]:
    """Everything that schemathesis finds wrong, the phases that ran, and the statuses that were seen."""
    chosen = {
        "base-url": address,
        "seed": 1,
        "generation": {"deterministic": True, "max-examples": EXAMPLES, "database": "none"},
        "continue-on-failure": True,
        "headers": headers,
        "checks": CHECKS,
        "operations": EXCEPTIONS,
    }
    whole = schemathesis.openapi.from_dict(openapi.document(), config=SchemathesisConfig.from_dict(chosen))
    schema = whole.exclude(path_regex="/events$")  # a live stream does not end: `test_live` reads those
    found: list[str] = []
    phases: set[PhaseName] = set()
    statuses: set[int] = set()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            found.append(f"{event.label}: {event.value}")
        if isinstance(event, events.ScenarioFinished):
            phases.add(event.phase)
            statuses |= {seen.response.status_code for seen in event.recorder.interactions.values() if seen.response}
            found += _failures(event)
    return found, phases, statuses


def _failures(event: events.ScenarioFinished) -> list[str]:
    return [
        f"{event.recorder.label}: {check.name}: {check.failure_info.failure.message}\n{check.failure_info.code_sample}"
        for checks in event.recorder.checks.values()
        for check in checks
        if check.failure_info is not None
    ]


async def test_a_withdrawn_comment_is_gone_for_the_public_only(gatepost: Gatepost) -> None:
    comment = await gatepost.approved("Said too much", by="ada")
    ada = gatepost.reader("ada")
    assert (await ada.withdraw(comment["id"])).status == 204
    assert (await gatepost.visitor.get(f"comments/{comment['id']}")).code == "unknown-comment"
    assert (await gatepost.reader("bob").get(f"comments/{comment['id']}")).code == "unknown-comment"
    for person in (ada, gatepost.moderator()):
        assert (await person.get(f"comments/{comment['id']}")).json["comment"]["status"] == "deleted"
