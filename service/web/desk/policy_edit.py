"""The desk's page on which the policy is changed as text: checked, tried, and put."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from service import strict_json
from service.desk import changed_lines, documents, words
from service.desk.changed_lines import Line
from service.desk.numbered import Told, excerpts
from service.errors import DocumentChanged, InvalidRequest, NotFound
from service.moderation import policies
from service.moderation.policies import Shown
from service.reading.language import Language
from service.triage import starters
from service.triage.document import DocumentError, Examined
from service.triage.document.lines import line_of, lines_of
from service.triage.document.message import Message
from service.triage.document.place import Mistake
from service.triage.document.warnings import Warned
from service.triage.policy import Policy
from service.web.call import Call
from service.web.desk import policy, reply
from service.web.desk.policy_trial import A_NEWCOMER, Tried, judged, trial_view
from service.web.desk.rule_forms import EditPage, PolicyForm
from service.web.desk.session import admin_of, may_configure, moderator_of, sender_of
from service.web.policy import change, examine, kept_version

LINES_TO_COME: Final = 300
"""Numbers beside the text for what somebody adds."""


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a text that somebody sent: what is wrong with it, what it says, what it says of a text that was
    tried; or `theirs`, which holds by now because somebody else was faster, with what differs."""

    status: int = 200
    told: Sequence[Told] = ()
    examined: Examined | None = None
    tried: Tried | None = None
    theirs: Shown | None = None
    changes: Sequence[Sequence[Line]] = ()

    @property
    def policy(self) -> Policy | None:
        """What the text says, where it was examined."""
        return self.examined.policy if self.examined else None


# GET /desk/{site}/policy/edit
async def show_editor(call: Call, query: EditPage) -> web.Response:
    """The text of the policy that holds; of an older version, or of one to begin with, upon what holds."""
    await moderator_of(call)
    shown = await call.database.read(policies.shown, call.site.rules)
    wanted = shown.document
    if query.version is not None:
        wanted = strict_json.parse((await kept_version(call, str(query.version))).document.encode())
    elif query.starter is not None:
        if query.starter not in starters.names():
            raise NotFound
        wanted = starters.document(query.starter)
    form = PolicyForm(do="check", version=shown.version, document=documents.written(wanted), **_nobody())
    return await _page(call, form, Became(), from_version=query.version)


# POST /desk/{site}/policy/edit
async def send_editor(call: Call, form: PolicyForm) -> web.Response:
    """Check a text, try a comment with it, or let it hold: upon the version that was shown."""
    await sender_of(call, form.csrf)
    try:
        document = _parsed(call, form.document)
        if form.do == "put":
            admin = await admin_of(call, form.csrf)
            await change(call, document, admin, expected=form.version, note=form.note)
            return reply.go_back(call, "policy", saved=1)
        if form.do == "try":
            tried = await judged(call, form, document)
            return await _page(call, form, Became(422 if tried.wrong else 200, tried=tried))
        return await _page(call, form, await _checked(call, document, form.document))
    except UnreadableError as unreadable:
        return await _page(call, form, Became(422, [unreadable.told]))
    except DocumentError as error:
        told = await asyncio.to_thread(_beside, form.document, error.mistakes, reply.language_of(call))
        return await _page(call, form, Became(422 if form.do != "check" else 200, told))
    except InvalidRequest as problem:
        told = [Told(None, detail) for _, detail in problem.mistakes]
        return await _page(call, form, Became(problem.status, told))
    except DocumentChanged as problem:
        theirs = await call.database.read(policies.shown, call.site.rules)
        now, mine = documents.written(theirs.document), documents.written(document)
        changes = await asyncio.to_thread(changed_lines.between, now, mine)
        return await _page(call, form, Became(problem.status, theirs=theirs, changes=changes))


class UnreadableError(Exception):
    """The text is no JSON; what to say of it."""

    def __init__(self, told: Told) -> None:
        self.told = told
        super().__init__(told.detail)


def _parsed(call: Call, text: str) -> Any:
    """Raises UnreadableError; DocumentError for `null`, which to whoever tries a text would mean what holds."""
    try:
        document = strict_json.parse_clean(text.encode())
    except strict_json.NotJsonError as error:
        raise UnreadableError(Told(error.line, reply.language_of(call).say("edit.not-json"))) from None
    except ValueError as error:
        raise UnreadableError(Told(None, str(error))) from None
    if document is None:
        raise DocumentError([Mistake("", Message("must be an object"))])
    return document


async def _checked(call: Call, document: Mapping[str, Any], text: str) -> Became:
    """Raises DocumentError."""
    examined = await examine(call, document, version=0)
    told = await asyncio.to_thread(_beside, text, examined.warnings, reply.language_of(call), is_wrong=False)
    return Became(told=told, examined=examined)


def _beside(text: str, said: Iterable[Mistake | Warned], language: Language, *, is_wrong: bool = True) -> list[Told]:
    """What is said of places of a document, each with its line of the text."""
    lines = lines_of(text)
    return [
        Told(line_of(lines, one.pointer), _named(one.pointer, words.told(one.message, language)), is_wrong)
        for one in said
    ]


def _named(pointer: str, detail: str) -> str:
    """Begins with the member that is meant: several can stand on one line."""
    member = pointer.rpartition("/")[2]
    return f"{member}: {detail}" if member and not member.isdigit() else detail


def _nobody() -> dict[str, Any]:
    return {"approved": A_NEWCOMER.approved, "known_days": A_NEWCOMER.known_days}


async def _page(call: Call, form: PolicyForm, became: Became, *, from_version: int | None = None) -> web.Response:
    theirs = became.theirs
    version = theirs.version if theirs else form.version
    lines = form.document.count("\n") + 1
    return await reply.page(
        call,
        "policy_edit.html",
        moderator=await moderator_of(call),
        status=became.status,
        back="policy/edit",
        form=form,
        became=became,
        version=version,
        from_version=from_version,
        lines=lines,
        gutter="\n".join(map(str, range(1, lines + LINES_TO_COME))),
        wrong=[one for one in became.told if one.is_wrong],
        excerpts=excerpts(form.document.split("\n"), became.told),
        policy=became.policy,
        sentences=policy.sentences_of(call),
        tallies={},
        braked={},
        may_configure=await may_configure(call),
        **trial_view(form, became.tried),
    )
