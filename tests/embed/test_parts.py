"""What of the script is loaded for whom, that it is the right one, and what happens where a part can't be had."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from service.embed.bundle import bundle
from tests.embed.stage import Stage, Window

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser


def loaded(window: Window) -> set[str]:
    """Which files of the embed the page asked for."""
    return {found[1] for one in window.requests if (found := re.search(r"/([a-z]+\.js(on)?)(\?|$)", one))} - {"own.js"}


async def test_a_visitor_loads_nothing_of_what_is_for_writers(stage: Stage) -> None:
    await stage.approved("Hello")
    window = await stage.ready()
    await expect(window.element).to_have_attribute("data-live", "on")
    assert loaded(window) == {"embed.js", "later.js"}
    assert stage.tokens == 1, "the page was asked who reads, and said nobody"


async def test_what_comes_later_is_loaded_when_it_is_wanted(stage: Stage) -> None:
    for n in range(3):
        await stage.approved(f"Comment {n}")
    stage.page(live="off", limit="2")
    window = await stage.ready()
    assert loaded(window) == {"embed.js"}
    await window.element.get_by_role("button", name="More comments").click()
    await expect(window.articles).to_have_count(3)
    assert loaded(window) == {"embed.js", "later.js"}


async def test_a_reader_loads_the_rest(stage: Stage) -> None:
    stage.reader = "grace"
    window = await stage.ready()
    await expect(window.element).to_have_attribute("data-live", "on")
    assert loaded(window) == {"embed.js", "later.js", "write.js"}
    assert window.errors == []


async def test_the_form_that_cannot_be_loaded_says_so_and_comes_with_the_page(stage: Stage) -> None:
    await stage.approved("Readable")
    stage.reader = "grace"
    window = await stage.open(go=False)
    await window.page.route("**/write.js*", lambda route: route.abort())
    await window.page.goto(stage.page_address)
    await expect(window.element).to_have_attribute("data-reader", "unavailable")
    await expect(window.articles).to_have_count(1)
    await expect(window.element).to_contain_text("The form for comments can't be loaded right now.")
    await window.page.unroute_all(behavior="ignoreErrors")
    await window.element.get_by_role("button", name="Load the page again").click()
    await expect(window.element.get_by_role("textbox", name="Your comment")).to_be_visible()


async def test_more_that_cannot_be_had_says_so_and_can_be_tried_again(stage: Stage) -> None:
    for n in range(3):
        await stage.approved(f"Comment {n}")
    stage.page(live="off", limit="2")
    window = await stage.ready()
    await window.page.route("**/later.js*", lambda route: route.abort())
    more = window.element.get_by_role("button", name="More comments")
    alert = window.element.get_by_role("alert")
    await more.click()
    await expect(alert).to_have_text("Comments can't be loaded now.")
    await window.page.unroute_all(behavior="ignoreErrors")
    await window.page.route("**/comments?*", lambda route: route.abort())
    async with window.page.expect_event("requestfailed", lambda request: "/comments?" in request.url):
        await more.click()
    await expect(alert).to_have_text("Comments can't be loaded now.")
    await window.page.unroute_all(behavior="ignoreErrors")
    await more.click()
    await expect(window.articles).to_have_count(3)
    await expect(alert).to_have_count(0)


@pytest.mark.parametrize("part", ["write.js", "later.js"])
@pytest.mark.parametrize("address", ["", "{pin}/"])
async def test_a_part_of_another_version_never_runs(stage: Stage, part: str, address: str) -> None:
    """The script may come from a cache, a part of it from a service that is newer; or somebody has changed it."""
    stage.reader = "grace"
    stage.page(source=f"{stage.service}/embed/v1/{address.format(pin=bundle().pin)}embed.js")
    window = await stage.open(go=False)
    changed = "globalThis.hasRun = true;\n" + bundle().files[part].body.decode()
    headers = {"Content-Type": "text/javascript", "Access-Control-Allow-Origin": "*"}
    await window.page.route(f"**/{part}*", lambda route: route.fulfill(body=changed, headers=headers))
    async with window.page.expect_response(lambda response: f"/{part}" in response.url):
        await window.page.goto(stage.page_address)
    await window.is_ready()
    who = "unavailable" if part == "write.js" else "reader"
    await expect(window.element).to_have_attribute("data-reader", who)
    await expect(window.element).to_have_attribute("data-live", "on" if part == "write.js" else "off")
    assert await window.page.evaluate("globalThis.hasRun") is None


@pytest.mark.parametrize("host", ["nonce", "hash"])
async def test_pages_that_trust_the_script_and_no_host(stage: Stage, host: str) -> None:
    stage.reader = "grace"
    found = bundle()
    address = f"{stage.service}/embed/v1/{found.pin}"
    scripts = f"'{'nonce-abc' if host == 'nonce' else found.files['embed.js'].integrity}' 'strict-dynamic'"
    attributes = 'nonce="abc"' if host == "nonce" else ""
    tag = (
        f'<script type="module" src="{address}/embed.js" integrity="{found.files["embed.js"].integrity}" '
        f"crossorigin {attributes}></script>"
    )
    page = "style-src 'self'; img-src data:"
    stage.page(
        source="data:,",
        before=tag,
        policy=f"default-src 'none'; script-src {scripts}; connect-src 'self' {stage.service}; {page}",
    )
    window = await stage.ready()
    await window.write("From a strict page")
    await expect(window.articles).to_have_count(1)
    await expect(window.element).to_have_attribute("data-live", "on")


async def test_a_visitor_by_cookie_loads_nothing_of_what_is_for_writers(stage: Stage) -> None:
    stage.page(token_url=None, credentials="include")
    window = await stage.ready()
    await expect(window.element).to_have_attribute("data-reader", "visitor")
    await expect(window.element).to_have_attribute("data-live", "on")
    assert loaded(window) == {"embed.js", "later.js"}
    assert window.errors == []


async def test_a_login_of_the_page_that_fails_keeps_nobody_from_reading(stage: Stage) -> None:
    await stage.approved("Readable")
    stage.page(token_url=None, script="document.querySelector('gatepost-comments').getToken = () => { throw 1; };")
    window = await stage.ready()
    await expect(window.articles).to_have_count(1)
    await expect(window.element).to_contain_text("Your login can't be checked right now.")
    assert any(error.startswith("Gatepost: the page's login gave no token.") for error in window.errors)


async def test_words_of_a_language_that_cannot_be_had_are_english(stage: Stage) -> None:
    await stage.approved("Hello")
    stage.page(lang="de")
    window = await stage.open(go=False)
    await window.page.route("**/de.json", lambda route: route.abort())
    await window.page.goto(stage.page_address)
    await expect(window.element.get_by_role("link", name="LOGIN to add comments")).to_be_visible()


async def test_the_short_address_finds_its_parts(stage: Stage) -> None:
    stage.reader = "grace"
    stage.page(source=f"{stage.service}/embed.js", lang="de")
    window = await stage.ready()
    await expect(window.element.get_by_role("textbox", name="Ihr Kommentar")).to_be_visible()
    assert f"GET {stage.service}/embed/v1/write.js" in window.requests


async def test_a_text_that_the_rules_of_the_site_refuse_stays_in_the_form(stage: Stage) -> None:
    """The reply is the contract's: the service says it from the day on which rules may refuse."""
    stage.reader = "grace"
    window = await stage.ready()
    keys: list[str] = []

    async def refuse(route: Any) -> None:
        keys.append(route.request.headers["idempotency-key"])
        problem = {"code": "refused-by-policy", "status": 422, "detail": "No.", "reason_text": "No links, please."}
        await route.fulfill(status=422, json=problem, headers={"Access-Control-Allow-Origin": "*"})

    await window.page.route("**/comments", refuse)
    await window.write("See https://example.org/")
    await expect(window.element.get_by_role("alert")).to_have_text("No links, please.")
    await expect(window.element.get_by_role("textbox")).to_have_value("See https://example.org/")
    await expect(window.element.get_by_role("textbox")).to_have_attribute("aria-invalid", "true")
    await window.element.get_by_role("button", name="Send").click()
    await expect(window.element.get_by_role("button", name="Send")).to_be_enabled()
    assert len(set(keys)) == 1
    assert (await window.told("refused"))[0]["code"] == "refused-by-policy"


async def test_a_refusal_that_this_version_does_not_know_is_told_in_the_services_words(stage: Stage) -> None:
    stage.reader = "grace"
    window = await stage.ready()
    problem = {"code": "of-next-year", "status": 403, "detail": "The moon is full."}
    headers = {"Access-Control-Allow-Origin": "*"}
    await window.page.route("**/comments", lambda route: route.fulfill(status=403, json=problem, headers=headers))
    await window.write("Howl")
    await expect(window.element.get_by_role("alert")).to_have_text("Not sent. The moon is full.")
    await expect(window.element.get_by_role("textbox")).to_have_value("Howl")
