"""How long the embed keeps a page busy: `python -m benchmarks.embed_page`.

A post with 1,000 comments in a real Chromium, shown by pages of 200 to a visitor. Prints of each page how long it took
and its tasks above 50 ms (as browsers count them: Long Tasks API); of all pages together the processor time of the
longest task, which other programs on the machine make no longer; and what of the script was loaded.

    --times 5
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright, expect
from typer import echo

from benchmarks import seed
from benchmarks.server import SITE, Server
from tests.auth.local_server import LocalServer, always
from tests.browser import FLAGS, installed_chromium

POST, COMMENTS, AT_ONCE = "long", 1000, 200
WATCH = """
    window.tasks = [];
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
        .observe({ type: "longtask", buffered: true });
"""
LOADED = """() => performance.getEntriesByType("resource").filter(({ name }) => name.includes("/embed/"))
    .map(({ name, encodedBodySize }) => `${name.split("/").pop()} ${encodedBodySize}`).join(", ")"""


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/gatepost.db"
        seed.fill(url, site=SITE, posts={POST: COMMENTS})
        server = Server(Path(folder), url)
        server.start()
        try:
            asyncio.run(_measure(f"http://127.0.0.1:{server.port}", asked.times))
        finally:
            server.stop()


async def _measure(service: str, times: int) -> None:
    blog = LocalServer()
    await blog.up()
    page = (
        f'<!doctype html><html lang="en"><script type="module" src="{service}/embed/v1/embed.js"></script>'
        f'<gatepost-comments site="{SITE}" post="{POST}" limit="{AT_ONCE}"></gatepost-comments>'
    )
    blog.handlers["/page"] = always(text=page, content_type="text/html")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=installed_chromium(), args=FLAGS)
        for _ in range(times):
            context = await browser.new_context(viewport={"width": 1200, "height": 900})
            window = await context.new_page()
            await browser.start_tracing(page=window, categories=["toplevel"])
            await _read(window, f"{blog.address}/page")
            echo(f"  longest task: {_longest(json.loads(await browser.stop_tracing())):.0f} ms of processor time")
            await context.close()
        await browser.close()
    await blog.close()


async def _read(page: Page, address: str) -> None:
    """One visitor, from the first page to the last."""
    await page.add_init_script(WATCH)
    said = []
    began = time.perf_counter()
    await page.goto(address)
    for shown in range(AT_ONCE, COMMENTS + 1, AT_ONCE):
        if shown > AT_ONCE:
            began = time.perf_counter()
            await page.get_by_role("button", name="More comments").click()
        await expect(page.locator("article[data-comment-id]")).to_have_count(shown, timeout=60_000)
        seconds = time.perf_counter() - began
        # A task is told of when it is over: so the next frame has heard of all before it.
        await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        tasks = sorted(await page.evaluate("tasks.splice(0)"), reverse=True)
        said.append(f"{shown}: {seconds:.1f} s, {', '.join(f'{task:.0f} ms' for task in tasks) or 'none'}")
    echo("; ".join(said))
    echo(f"  loaded (bytes): {await page.evaluate(LOADED)}")


def _longest(trace: dict[str, Any]) -> float:
    """The processor time, in milliseconds, of the longest task of the busiest page (Trace Event Format)."""
    pages: dict[int, list[float]] = {}
    events = trace["traceEvents"]
    mains = {(one["pid"], one["tid"]) for one in events if one.get("args", {}).get("name") == "CrRendererMain"}
    for one in events:
        if one["name"] == "ThreadControllerImpl::RunTask" and (one["pid"], one["tid"]) in mains:
            pages.setdefault(one["pid"], []).append(one.get("tdur", 0) / 1000)
    return max(max(pages.values(), key=sum))


if __name__ == "__main__":
    main()
