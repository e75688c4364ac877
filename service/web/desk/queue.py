"""The moderators' desk: the queue's page, the chooser, and the files of all pages."""

from collections.abc import Mapping
from typing import Any, Final, get_args

from aiohttp import web

from service.desk import files
from service.desk.rendering import query as with_query
from service.desk.why import check_name
from service.errors import NotFound
from service.model import Actor, DecisionId, SiteKey
from service.moderation import policies, queue
from service.moderation.cases import Case
from service.moderation.policies import Named
from service.moderation.queue import Overview
from service.reading.shapes import WhyCode
from service.store import decisions
from service.store.comment_pages import Numbers
from service.store.database import Transaction
from service.store.queue_filter import Filter
from service.store.queue_pages import Position, Total
from service.triage.checks import CHECKS
from service.web import static_files
from service.web.call import Call
from service.web.desk import forms, reply, views
from service.web.desk.session import moderator_of
from service.web.queue import filter_of, held_by, lane_of

PAGE_SIZE: Final = 20
FILE_HEADERS: Final = {
    name: value for name, value in reply.HEADERS.items() if name not in ("Cache-Control", "Content-Security-Policy")
}
FILTERS: Final = {
    **{name: name for name in ("reason", "post", "author", "q", "rule", "check", "outcome", "claimed", "order")},
    "list": "list_name",
}
"""The members of the form by their names in an address."""
OUTCOMES: Final = ("hold", "reject", "spam", "publish")


# GET /desk
async def show_way(call: Call) -> web.Response:
    """To the same address with a slash behind it: the pages' links are relative to that."""
    return web.Response(status=308, headers={**reply.HEADERS, "Location": "desk/"})


# GET /desk/
async def choose_site(call: Call) -> web.Response:
    """Which site? Where there is only one, its queue."""
    sites = call.services.settings.sites
    if len(sites) == 1:
        return web.Response(status=303, headers={**reply.HEADERS, "Location": f"./{next(iter(sites))}/"})
    return await reply.page(call, "chooser.html", moderator=None, sites=sites)


# GET /desk/{site}
async def show_way_to_queue(call: Call) -> web.Response:
    """To the same address with a slash behind it."""
    return web.Response(status=308, headers={**reply.HEADERS, "Location": f"./{call.site_key}/"})


# GET /desk/{site}/
async def show_queue(call: Call, query: forms.QueuePage) -> web.Response:
    """What somebody must look at: a card for each, with everything to judge it by."""
    moderator = await moderator_of(call)
    wanted = held_by(moderator, query.claimed, filter_of(query))
    cases, position, total, overview, named, done = await lane_of(call, wanted).read(
        _queue_page,
        call,
        wanted,
        moderator,
        by_priority=query.order == "priority",
        after=call.position(query.cursor, query.order),
        done=query.done,
    )
    filters = filters_of(query)
    back = with_query("", **filters, cursor=query.cursor)
    following = call.cursor(position, query.order)
    return await reply.page(
        call,
        "queue.html",
        moderator=moderator,
        back=back,
        cards=await views.cards_of(call, cases, moderator, says_urgency=query.order == "priority"),
        overview=overview,
        total=shown_total(call, total),
        filters=filters,
        is_filtered=set(filters) - {"order"} != set(),
        names=_names(cases),
        reasons=get_args(WhyCode),
        narrowing=_narrowing(call, named, filters),
        page_size=PAGE_SIZE,
        marks=True,
        next=f"./{with_query('', **filters, cursor=following)}" if following else None,
        **done,
    )


# GET /desk/static/{pin}/{file}
async def show_file(call: Call) -> web.Response:
    """The style sheet, the script, or the icon."""
    match = call.request.match_info
    found = files.all_of_them().get(match["file"])
    if found is None or match["pin"] != files.pin():
        raise NotFound
    return static_files.reply(call, found, cache_control=static_files.PINNED, headers=FILE_HEADERS)


def filters_of(asked: forms.QueueFields) -> dict[str, str]:
    """What of the queue's filter is asked for, as it stands in addresses and forms."""
    given = {name: getattr(asked, member) for name, member in FILTERS.items()}
    return {name: value for name, value in given.items() if value not in (None, "any", "oldest")}


def done_in(tx: Transaction, site: SiteKey, done: str | None) -> dict[str, Any]:
    """What was decided a moment ago, for the line above the page that offers to undo it."""
    found = decisions.with_author(tx, site, DecisionId(done)) if done else None
    return {"done": found[0], "done_author": found[1]} if found else {}


def _queue_page(
    tx: Transaction,
    call: Call,
    wanted: Filter,
    moderator: Actor,
    *,
    by_priority: bool,
    after: Position | None,
    done: str | None,
) -> tuple[list[Case], Position | None, Total, Overview, Named | None, dict[str, Any]]:
    cases, position, total = queue.browse(
        tx, call.site.rules, wanted, by_priority=by_priority, limit=PAGE_SIZE, after=after
    )
    overview, named = queue.overview(tx, call.site_key, moderator), policies.named(tx, call.site.rules)
    return cases, position, total, overview, named, done_in(tx, call.site_key, done)


def shown_total(call: Call, total: Total) -> str:
    """How many a filter finds, as far as they are counted: `1,000+`."""
    number = reply.number_in(call, total.number)
    return number if total.is_exact else f"{number}+"


def shown_numbers(call: Call, numbers: Numbers) -> dict[str, str]:
    """How many comments are in each status, as far as they are counted."""
    return {
        status.value: shown_total(call, Total(number, is_exact=numbers.is_exact))
        for status, number in numbers.of_each.items()
    }


def _narrowing(call: Call, named: Named | None, filters: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
    """By what of the site's policy the queue can be narrowed: for each name of a field its values, in words.

    What is asked for stays to choose from, even where the policy does not know it any more.
    """
    language = reply.language_of(call)
    choices: dict[str, Mapping[str, str]] = {}
    if named is not None:
        choices = {
            "rule": named.rules,
            "list": named.lists,
            "check": {check.name: check_name(check.name, language) for check in CHECKS},
            "outcome": {name: language.say(f"filter.outcome.{name}") for name in OUTCOMES},
        }
    asked = {name: {filters[name]: filters[name]} for name in ("rule", "list", "check", "outcome") if name in filters}
    offered = {name: {**asked.get(name, {}), **choices.get(name, {})} for name in (*choices, *asked)}
    return {name: values for name, values in offered.items() if values}


def _names(cases: list[Case]) -> dict[str, str | None]:
    """How the author and the post are called that a filter names, as far as the page knows."""
    first = cases[0] if cases else None
    return {
        "author": first.comment.author.name if first else None,
        "post": (first.post.title or first.post.key) if first else None,
    }
