"""Trying a text at the desk: what the policy, or a draft of one, would say of it. Nothing is kept."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup

from service.desk import why, words
from service.desk.marking import Source
from service.desk.numbered import Told, excerpts
from service.moderation import trials
from service.moderation.trials import Wanted
from service.store import lists as stored
from service.triage.judgement import Judgement
from service.web.call import Call
from service.web.desk import forms, reply
from service.web.desk.rule_forms import TrialForm
from service.web.desk.session import moderator_of, sender_of

A_NEWCOMER: Final = TrialForm(approved=0, known_days=0)
"""With what the form begins: an author of whom nothing is known would be no newcomer either."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What would be said of a text, upon what, and the text with what was found in it; or (`wrong`) what is wrong with
    the facts."""

    judgement: Judgement | None = None
    told: why.Told | None = None
    marked: Markup | None = None
    wrong: Sequence[Told] = ()

    @property
    def saw(self) -> Mapping[str, Sequence[Markup]]:
        """What the rules rest on that spoke, by their ids."""
        return {rule.id: rule.saw for rule in self.told.rules} if self.told else {}


# GET /desk/{site}/policy/trial
async def show_trial(call: Call) -> web.Response:
    """The form for a text and what is known of its author."""
    return await _page(call, A_NEWCOMER, None)


# POST /desk/{site}/policy/trial
async def try_text(call: Call, form: TrialForm) -> web.Response:
    """What the policy that holds would say of a text."""
    await sender_of(call, form.csrf)
    tried = await judged(call, form, None)
    return await _page(call, form, tried, status=422 if tried.wrong else 200)


async def judged(call: Call, form: TrialForm, document: Mapping[str, Any] | None) -> Tried:
    """Try the text of a form: with this document, or (None) with the policy that holds. Raises DocumentError."""
    given, lines, wrong = _given(call, form)
    if wrong:
        return Tried(wrong=wrong)
    wanted = Wanted(
        document=document,
        text=form.text or None,
        given=given,
        at=forms.moment("at", form.at) if form.at else None,
        lockdown=form.lockdown is not None,
    )
    about = await call.database.read(trials.about, call.site.rules, wanted)
    judgement = await asyncio.to_thread(trials.judge, call.site.rules, wanted, about)
    if isinstance(judgement, list):
        language = reply.language_of(call)
        return Tried(wrong=[_beside(one.pointer, words.told(one.message, language), lines) for one in judgement])
    titles = {kept.name: kept.title for kept in await call.database.read(stored.of_site, call.site_key)}
    told = why.told(judgement.as_json(), form.text, titles, reply.language_of(call))
    return Tried(judgement, told, Source(form.text, told.marks).whole)


def trial_view(form: TrialForm, tried: Tried | None) -> dict[str, Any]:
    """What `trial_fields.html` and `trial_result.html` show."""
    wrong = tried.wrong if tried else ()
    return {"trial": form, "tried": tried, "trial_excerpts": excerpts(form.facts.split("\n"), wrong)}


def _given(call: Call, form: TrialForm) -> tuple[dict[str, Any], dict[str, int], list[Told]]:
    """The facts of a form, on which line of its field each stands, and what is wrong with it."""
    given: dict[str, Any] = {"author.trusted": form.trusted is not None}
    given |= {"author.role": [form.role]} if form.role else {"author.role": []}
    given |= {"author.approved": form.approved} if form.approved is not None else {}
    given |= {"author.known_days": form.known_days} if form.known_days is not None else {}
    lines: dict[str, int] = {}
    wrong = []
    for number, line in enumerate(form.facts.split("\n"), 1):
        if not line.strip():
            continue
        try:
            name, value = trials.fact_in(line)
        except ValueError:
            wrong.append(Told(number, reply.language_of(call).say("trial.fact-how")))
            continue
        given[name], lines[name] = value, number
    return given, lines, wrong


def _beside(pointer: str, detail: str, lines: Mapping[str, int]) -> Told:
    """A mistake in a fact: beside its line, or with its name where it has a field of its own."""
    name = pointer.split("/")[2].replace("~1", "/").replace("~0", "~") if pointer.count("/") > 1 else ""
    return Told(lines[name], detail) if name in lines else Told(None, f"{name} {detail}".strip())


async def _page(call: Call, form: TrialForm, tried: Tried | None, *, status: int = 200) -> web.Response:
    return await reply.page(
        call,
        "policy_trial.html",
        moderator=await moderator_of(call),
        status=status,
        back="policy/trial",
        **trial_view(form, tried),
    )
