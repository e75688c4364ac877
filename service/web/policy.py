"""Calls on a site's policy: moderators read and try it, administrators change it."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from service.errors import DocumentChanged, IfMatchRequired, InvalidRequest, NotFound, UnknownVersion
from service.model import Actor, CommentId, SiteKey
from service.moderation import brakes, policies, trials
from service.reading.show import timestamp
from service.store import policies as kept_policies
from service.store.database import Transaction
from service.store.policies import KeptPolicy
from service.triage import document
from service.triage.document import DocumentError, Examined
from service.triage.document.place import Mistake
from service.web import incoming_policy, outgoing_policy, queries, show, show_policy
from service.web.call import Call, Reply
from service.web.preconditions import ChangeHeaders, etag, version_in


# GET /v1/sites/{site}/policy
async def show_policy_of_site(call: Call) -> Reply[outgoing_policy.PolicyReply]:
    """The policy that holds, and how its rules fare. Version 0: nobody put one, so the configuration decides."""
    await call.moderator()
    shown = await call.database.read(policies.shown, call.site.rules)
    return Reply(show_policy.shown(shown), headers={"ETag": etag(shown.version)})


# PUT /v1/sites/{site}/policy
async def put_policy(
    call: Call, body: incoming_policy.PolicyChange, headers: ChangeHeaders
) -> Reply[outgoing_policy.PolicyChanged]:
    """Let a document hold for every text that comes from now on. An equal one makes no new version.

    `If-Match` names the version that it was written upon. Comments that wait already keep their judgement.
    """
    admin = await call.admin()
    if headers.if_match is None:
        holds = await call.database.read(kept_policies.newest, call.site_key)
        raise IfMatchRequired(members={"version": holds.version if holds else 0})
    expected = version_in(headers.if_match)
    try:
        examined = await change(call, body.document, admin, expected=expected, note=body.note)
    except DocumentError as error:
        raise _invalid(error.mistakes) from None
    shown = await call.database.read(policies.shown, call.site.rules)
    now, warnings = show_policy.shown(shown), show_policy.warnings(examined.warnings)
    changed: outgoing_policy.PolicyChanged = {"policy": now["policy"], "state": now["state"], "warnings": warnings}
    return Reply(changed, headers={"ETag": etag(shown.version)})


# POST /v1/sites/{site}/policy/validations
async def validate_policy(call: Call, body: incoming_policy.PolicyQuestion) -> Reply[outgoing_policy.Validation]:
    """Whether a document may be put: what is wrong with it, and what its author may not have meant. Nothing changes."""
    await call.moderator()
    try:
        examined = await examine(call, body.document, version=0)
    except DocumentError as error:
        wrong: list[outgoing_policy.MistakeView] = [
            {"pointer": mistake.pointer, "detail": mistake.detail} for mistake in error.mistakes
        ]
        return Reply({"valid": False, "errors": wrong})
    warnings, tests = show_policy.warnings(examined.warnings), len(examined.policy.cases)
    return Reply({"valid": True, "warnings": warnings, "tests": {"passed": tests}})


# POST /v1/sites/{site}/policy/trials
async def try_policy(call: Call, body: incoming_policy.Trial) -> Reply[outgoing_policy.TrialReply]:
    """What the policy (or a document) would say of one comment, or of a text. Nothing is saved."""
    await call.moderator()
    if body.comment_id is not None and body.text is not None:
        raise InvalidRequest([("/text", "must not stand beside comment_id: a trial is about one text")], place="body")
    wanted = trials.Wanted(
        body.document,
        CommentId(body.comment_id) if body.comment_id else None,
        body.text,
        body.given,
        body.at,
        body.lockdown,
    )
    found = await call.database.read(trials.about, call.site.rules, wanted)
    try:
        judgement = await asyncio.to_thread(trials.judge, call.site.rules, wanted, found)
    except DocumentError as error:
        raise _invalid(error.mistakes) from None
    if isinstance(judgement, list):
        raise InvalidRequest([(mistake.pointer, mistake.detail) for mistake in judgement], place="body")
    return Reply({"judgement": show.judgement(judgement.as_json())})


# GET /v1/sites/{site}/policy/versions
async def list_versions(call: Call, query: queries.PageQuery) -> Reply[outgoing_policy.VersionList]:
    """Every version that ever held, the newest first. To go back, put an old document again."""
    await call.moderator()
    page, following = await call.database.bulk.read(
        _versions, call.site_key, limit=query.limit, after=call.position(query.cursor)
    )
    cursor = call.cursor(following)
    return Reply({"versions": page, "next": cursor}, headers=call.next_link(cursor))


# GET /v1/sites/{site}/policy/versions/{version}
async def show_version(call: Call) -> Reply[outgoing_policy.VersionReply]:
    """One version that holds or held."""
    await call.moderator()
    kept = await kept_version(call, call.known("version", UnknownVersion))
    return Reply({"policy": show_policy.version(kept, json.loads(kept.document))})


# DELETE /v1/sites/{site}/policy/brakes/{rule}
async def release_rule(call: Call) -> Reply[None]:
    """Let a braked rule act again; its counts start anew. One that is not braked stays as it is."""
    admin = await call.admin()
    rule = call.known("rule", NotFound)
    await call.database.write(brakes.release, call.site_key, rule, admin)
    return Reply(None, 204)


def _versions(
    tx: Transaction, site: SiteKey, *, limit: int, after: tuple[str | int, ...] | None
) -> tuple[list[outgoing_policy.VersionView], tuple[str | int, ...] | None]:
    """Documents are long, so they are read where the store is."""
    page = kept_policies.page(tx, site, limit=limit, after=after)
    return [show_policy.version_in_list(kept) for kept in page.items], page.next


async def kept_version(call: Call, asked: str) -> KeptPolicy:
    """The version of this number, as somebody wrote it. Raises UnknownVersion."""
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 9):
        raise UnknownVersion
    kept = await call.database.read(kept_policies.version, call.site_key, int(asked))
    if kept is None:
        raise UnknownVersion
    return kept


async def change(call: Call, wanted: Mapping[str, Any], admin: Actor, *, expected: int, note: str | None) -> Examined:
    """Let a document hold that was written upon the version `expected`; what it says.

    Raises DocumentError for what is no policy, DocumentChanged where another version holds, and InvalidRequest where a
    list that it names was deleted at this moment.
    """
    holds = await call.database.read(kept_policies.newest, call.site_key)
    if expected != (holds.version if holds else 0):
        raise _changed(holds)
    examined = await examine(call, wanted, version=expected + 1)
    kept = await call.database.write(
        policies.put, call.site.rules, wanted, examined.policy, admin, expected=expected, note=note
    )
    if kept is None:
        raise _changed(await call.database.read(kept_policies.newest, call.site_key))
    return examined


async def examine(call: Call, wanted: Mapping[str, Any], *, version: int) -> Examined:
    """What a document says at this site, its own tests run. Raises DocumentError."""
    known = await call.database.read(policies.known, call.site_key)
    experience = await call.database.bulk.read(policies.experience, call.site_key)
    return await asyncio.to_thread(
        document.examine,
        wanted,
        known,
        experience=experience,
        version=version,
        now=call.services.clock(),
        time_zone=call.site.time_zone,
    )


def _invalid(mistakes: tuple[Mistake, ...]) -> InvalidRequest:
    return InvalidRequest([(f"/document{mistake.pointer}", mistake.detail) for mistake in mistakes], place="body")


def _changed(holds: KeptPolicy | None) -> DocumentChanged:
    members = {
        "version": holds.version if holds else 0,
        "changed_by": show.actor(holds.made_by) if holds else None,
        "changed_at": timestamp(holds.made_at) if holds else None,
    }
    return DocumentChanged(members=members)
