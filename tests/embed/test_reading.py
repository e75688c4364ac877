"""What a visitor sees: the list, in its states, with anchors and paging, and nothing that they did not ask for."""

import pytest
from playwright.async_api import expect

from tests.embed.stage import IN_ADDRESS, Stage

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.browser


async def test_a_visitor_reads_and_is_led_to_the_login(stage: Stage) -> None:
    first = await stage.approved("I was *there*.", by="ada")
    await stage.approved("So was I.", by="grace", parent_id=first["id"])
    window = await stage.ready()
    await expect(window.articles).to_have_count(2)
    await expect(window.element.get_by_role("heading", name="Comments")).to_have_text("2 comments")
    await expect(window.comment(first["id"]).locator("em")).to_have_text("there")
    link = window.element.get_by_role("link", name="LOGIN to add comments")
    address = await link.get_attribute("href")
    assert address is not None
    assert address.startswith(f"{stage.blog.address}/login?next=http%3A%2F%2F127.0.0.1")
    assert address.endswith("%2Fgate%23comments-2005%252F07%252Fgate")
    assert window.errors == []
    calls = [one for one in window.requests if "/v1/" in one and "/events" not in one and "embed.js" not in one]
    assert len([one for one in calls if one.endswith("/v1/sites/blog")]) == 1
    assert {one.split("?")[0] for one in calls} == {
        f"GET {stage.service}/v1/sites/blog", f"GET {stage.service}/v1/sites/blog/posts/{IN_ADDRESS}/comments",
    }  # fmt: skip
