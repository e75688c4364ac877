"""What the desk's pages load is small, as `gzip -9` makes it: all scripts of a page together, and its style sheet."""

import gzip
from urllib.parse import urljoin

from service.web.surface import EVENT_STREAM
from tests.desk.stage import AtDesk, Page
from tests.desk.test_bulk import preview, waiting
from tests.desk.test_safety import SITED, filled
from tests.harness import Gatepost

MOST_SCRIPT, MOST_STYLE = 8_000, 6_000


async def _loaded(gatepost: Gatepost, page: Page, css: str, name: str) -> int:
    """How large all that is which the page loads of one kind."""
    size = 0
    for element in page.all(css):
        answer = await gatepost.visitor.get(urljoin(page.address, element.get(name)))
        assert answer.status == 200, page.address
        size += len(gzip.compress(answer.body, 9))
    return size


async def _assert_small(gatepost: Gatepost, page: Page) -> int:
    script = await _loaded(gatepost, page, "script", "src")
    assert script <= MOST_SCRIPT, (page.address, script)
    assert 0 < await _loaded(gatepost, page, "link[rel=stylesheet]", "href") <= MOST_STYLE, page.address
    return script


async def test_what_every_page_loads_is_small(gatepost: Gatepost, mo: AtDesk) -> None:
    names = await filled(gatepost)
    scripts = {}
    for route in SITED:
        if route.method == "GET" and route.media_type != EVENT_STREAM:
            page = await mo.open(route.path.format(**names))
            scripts[page.one("main").get("data-page")] = await _assert_small(gatepost, page)
    with_cards = {name for name, size in scripts.items() if size}
    assert with_cards == {"queue", "comment", "author", "post", "ruled"}
    assert len(scripts) >= 14


async def test_what_pages_behind_a_button_load_is_small(gatepost: Gatepost, mo: AtDesk) -> None:
    """A conflict, a preview, and its result, which has a script of its own."""
    comments = await waiting(gatepost, 3)
    queue = await mo.open()
    await gatepost.moderator("jo").decide(comments[0]["id"], "approve", 1)
    conflict = await mo.press(queue, queue.card(comments[0]["id"]).cssselect(".decide button")[0])
    shown = await preview(mo, await mo.open(), "reject", *comments[1:])
    done = await mo.press(shown, shown.one("main form button"))
    sizes = [await _assert_small(gatepost, page) for page in (conflict, shown, done)]
    assert [size > 0 for size in sizes] == [True, False, True]
