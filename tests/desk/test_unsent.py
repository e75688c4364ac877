"""A session that ends loses nothing that somebody was typing: the page that refuses it keeps it, and sends it again."""

import json
from typing import Any

import pytest
from lxml import html

from service.web.desk import unsent
from tests.desk.visit import FROM_THE_DESK, Shown, Visit, moderators_token, signed_in, visit
from tests.harness import Gatepost
from tests.triage.policies import of_rules

EDIT = "/desk/blog/policy/edit"
TYPED = json.dumps(of_rules({"id": "late", "title": 'After "ten" <minutes>', "when": [{}]}), indent=1)
ADMIN: dict[str, Any] = {"roles": ["admin"]}


@pytest.fixture
async def gatepost(start_gatepost: Any) -> Gatepost:
    """A service whose moderators sign in by a token."""
    started: Gatepost = await start_gatepost()
    return started


def form_in(shown: Shown) -> dict[str, Any]:
    """The fields of the form that sends it again."""
    form = next(one for one in html.fromstring(shown.text).cssselect("main form") if not one.get("action"))
    return {one.get("name"): one.get("value") for one in form.cssselect("input[type=hidden]")}


async def sent(browser: Visit, **fields: str) -> Shown:
    """The text of a policy, as the editor sends it."""
    given: dict[str, Any] = {"version": "0", "document": TYPED, "note": "a rule", "do": "put", **fields}
    return await browser.post(EDIT, **given)


async def test_what_was_typed_is_sent_again_after_signing_in(gatepost: Gatepost) -> None:
    browser = await signed_in(gatepost, "root", **ADMIN)
    csrf = await browser.csrf()
    gatepost.clock.advance(seconds=13 * 3600)  # the session is over

    refused = await sent(browser, csrf=csrf)
    assert (refused.status, refused.page) == (401, "sign-in")
    again = form_in(refused)
    assert again == {"version": "0", "document": TYPED, "note": "a rule", "do": "put"}
    assert 'action="../sign-in" target="_blank"' in refused.text, "in another tab"

    await browser.sign_in(moderators_token(gatepost, "root", **ADMIN))
    asked = await browser.post(EDIT, **again)
    assert (asked.status, asked.page, asked.title) == (403, "again", "Send this as Root?")
    done = await browser.post(EDIT, **form_in(asked))
    assert (done.status, done.location) == (303, "../policy?saved=1")
    policy = (await gatepost.moderator().get("policy")).json["policy"]
    assert (policy["document"], policy["note"]) == (json.loads(TYPED), "a rule")


async def test_a_note_is_kept_as_well(gatepost: Gatepost) -> None:
    comment = (await gatepost.reader("ada").submit("Words.")).json["comment"]
    fields: dict[str, Any] = {
        "comment": comment["id"],
        "version": "1",
        "action": "reject",
        "note": "One line.\nAnother.",
    }
    refused = await visit(gatepost).post("/desk/blog/decide", csrf="old", back="?order=priority", **fields)
    assert form_in(refused) == {"back": "?order=priority", **fields}
    assert '<div class="source code">One line.\nAnother.</div>' in refused.text, "to be read, or copied"


async def test_a_page_that_was_open_for_days_sends_again(gatepost: Gatepost) -> None:
    browser = await signed_in(gatepost, "root", **ADMIN)
    stale = await sent(browser, csrf="0" * 64)
    assert (stale.status, stale.page) == (403, "again")
    assert (await browser.post(EDIT, **form_in(stale))).status == 303


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://nobody.example"}, {}],
)
async def test_what_another_page_sends_is_never_kept(gatepost: Gatepost, headers: dict[str, str]) -> None:
    for browser in (visit(gatepost), await signed_in(gatepost, "root", **ADMIN)):
        refused = await browser.post(EDIT, headers=headers, version="0", document="planted", do="put")
        assert (refused.status, refused.page) == (403, "problem")
        assert "planted" not in refused.text


async def test_nothing_is_kept_where_nothing_was_typed(gatepost: Gatepost) -> None:
    left = await visit(gatepost).post("/desk/blog/sign-out", csrf="old", back="record")
    assert (left.status, "unsent" in left.text) == (401, False)
    read = await visit(gatepost).get(EDIT)
    assert (read.status, "unsent" in read.text) == (401, False)


async def test_a_token_that_is_refused_is_not_shown(gatepost: Gatepost) -> None:
    refused = await visit(gatepost).sign_in("not a token", headers=FROM_THE_DESK)
    assert refused.status == 401
    assert "not a token" not in refused.text


async def test_the_script_is_told_as_before(gatepost: Gatepost) -> None:
    part = {**FROM_THE_DESK, "X-Gatepost-Part": "1"}
    told = await visit(gatepost).post("/desk/blog/decide", headers=part, comment="a", note="Some words.")
    assert (told.status, "Some words." in told.text) == (401, False)


async def test_what_is_too_large_is_refused_as_before(gatepost: Gatepost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsent, "MOST_BYTES", 1_000)
    refused = await sent(visit(gatepost), document="x" * 1_000)
    assert (refused.status, "unsent" in refused.text) == (401, False)
