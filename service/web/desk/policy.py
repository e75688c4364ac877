"""The desk's pages of the policy that holds and of its versions: rules in sentences, brakes, what was there before."""

import json
from typing import Any, Final

from aiohttp import web

from service.desk import documents
from service.desk.rendering import query as with_query
from service.desk.sentences import Sentences
from service.errors import UnknownVersion
from service.moderation import brakes, policies
from service.store import policies as kept_policies
from service.triage import document, starters
from service.triage.document import DocumentError
from service.triage.document.known import Known
from service.triage.policy import Policy
from service.web.call import Call
from service.web.desk import reply, rule_forms
from service.web.desk.session import admin_of, may_configure, moderator_of
from service.web.policy import kept_version

PAGE_SIZE: Final = 50


# GET /desk/{site}/policy
async def show_policy(call: Call, query: rule_forms.PolicyPage) -> web.Response:
    """The rules that hold, in sentences, with what they did in the last day; the brakes that are on."""
    moderator = await moderator_of(call)
    shown = await call.database.read(policies.shown, call.site.rules)
    return await reply.page(
        call,
        "policy.html",
        moderator=moderator,
        back="policy",
        shown=shown,
        policy=shown.policy,
        is_readable=shown.document.get("rules", []) == [] or bool(shown.policy.rules),
        sentences=sentences_of(call),
        tallies={one.rule.id: one.tally for one in shown.rules},
        braked={one.rule: one for one in shown.braked},
        may_configure=await may_configure(call),
        starters=_starters() if shown.version == 0 else {},
        was_put=query.saved is not None,
    )


# POST /desk/{site}/policy/brakes
async def release_brake(call: Call, form: rule_forms.BrakeForm) -> web.Response:
    """Let a braked rule act again."""
    admin = await admin_of(call, form.csrf)
    await call.database.write(brakes.release, call.site_key, form.rule, admin)
    return reply.go_back(call, "policy")


# GET /desk/{site}/policy/versions
async def list_versions(call: Call, query: rule_forms.VersionsPage) -> web.Response:
    """Every version that ever held, the newest first."""
    moderator = await moderator_of(call)
    page = await call.database.bulk.read(
        kept_policies.page, call.site_key, limit=PAGE_SIZE, after=call.position(query.cursor)
    )
    following = call.cursor(page.next)
    return await reply.page(
        call,
        "policy_versions.html",
        moderator=moderator,
        back="policy/versions",
        versions=[(kept, len(json.loads(kept.document).get("rules", []))) for kept in page.items],
        is_first=query.cursor is None,
        next=reply.root_of(call) + with_query("policy/versions", cursor=following) if following else None,
    )


# GET /desk/{site}/policy/versions/{version}
async def show_version(call: Call) -> web.Response:
    """One version, in sentences and as text; an admin lets it hold again."""
    moderator = await moderator_of(call)
    kept = await kept_version(call, call.known("version", UnknownVersion))
    newest = await call.database.read(kept_policies.newest, call.site_key)
    wanted = json.loads(kept.document)
    return await reply.page(
        call,
        "policy_version.html",
        moderator=moderator,
        back=f"policy/versions/{kept.version}",
        kept=kept,
        holds=newest.version if newest else 0,
        policy=read(call, wanted, version=kept.version),
        text=documents.written(wanted),
        sentences=sentences_of(call),
        may_configure=await may_configure(call),
    )


def sentences_of(call: Call) -> Sentences:
    """What says rules in the language of the page."""
    return Sentences(reply.language_of(call), reply.root_of(call))


def read(call: Call, wanted: Any, *, version: int) -> Policy | None:
    """What a document says; None where this release cannot read it."""
    try:
        return document.read(wanted, Known(), version=version, time_zone=call.site.time_zone)
    except DocumentError:
        return None


def _starters() -> dict[str, tuple[Policy, str]]:
    """The policies to begin with, and their texts."""
    found = {name: starters.document(name) for name in starters.names()}
    return {
        name: (document.read(wanted, Known(), version=0), documents.written(wanted)) for name, wanted in found.items()
    }
