"""Notices with the whole service running: a comment comes and somebody is told; the command; what health says."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner

from service import app, cli, settings
from service.checkup import masking
from service.settings import SettingsError
from tests.conftest import StartGatepost
from tests.harness import configuration
from tests.notices.post import VARIABLE, Chat

NOTICE = {"name": "moderators", "to_env": VARIABLE, "when": {"waiting": 1}, "at_most_every_minutes": 1}


@pytest.fixture
def addressed(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is set."""
    monkeypatch.setenv(VARIABLE, f"json://{chat.place}/hook")


@pytest.mark.usefixtures("addressed")
async def test_a_comment_comes_and_a_moderator_is_told(start_gatepost: StartGatepost, chat: Chat) -> None:
    def with_address(wanted: dict[str, Any]) -> None:
        wanted["server"]["public_url"] = "https://comments.example/talk"

    gatepost = await start_gatepost(change=with_address, notices=[NOTICE])
    body = {"body": "What a *fine* day, @everyone.", "post": {"title": "A Tuesday"}}
    await gatepost.reader("ada").call("POST", "posts/2005/comments", json=body)
    await chat.until(lambda: bool(chat.calls))
    (call,) = chat.calls
    assert call.json["title"] == "1 comment waits on A blog"
    assert call.json["message"].endswith("https://comments.example/talk/desk/blog/")
    assert "Ada on “A Tuesday”: What a fine day, (at)everyone." in call.json["message"]


@pytest.mark.usefixtures("addressed")
async def test_a_target_that_fails_is_seen_and_the_service_stays_ready(
    start_gatepost: StartGatepost, chat: Chat
) -> None:
    failed = asyncio.Event()

    async def refuse(_: web.Request) -> web.StreamResponse:
        failed.set()
        return web.Response(status=500)

    chat.handlers["/hook"] = refuse
    gatepost = await start_gatepost(notices=[NOTICE])
    await gatepost.reader("ada").submit("Hello")
    await failed.wait()
    async with asyncio.timeout(60):
        while True:
            ready = await gatepost.visitor.get("/health/ready")
            (seen,) = ready.json["checks"]["notice:blog/moderators"]
            if seen["status"] == "warn":
                break
    assert (ready.status, seen["output"]) == (200, "not taken by JSON (1)")
    metrics = (await gatepost.visitor.get("/metrics")).body.decode()
    assert 'gatepost_notices_total{notice="moderators",outcome="failed",site="blog"} 1.0' in metrics


async def test_a_start_without_addresses_says_what_to_do(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    wanted = settings.parse(configuration(store_url, notices=[NOTICE]))
    with pytest.raises(
        SettingsError, match=f"sites.blog.notices.moderators: the environment has no variable {VARIABLE}"
    ):
        await app.start(wanted)


@pytest.mark.usefixtures("addressed")
async def test_the_command_sends_one_now_and_says_what_came_back(
    start_gatepost: StartGatepost, store_url: str, chat: Chat, tmp_path: Path
) -> None:
    notices = [{**NOTICE, "when": {"waiting": 100}}, {**NOTICE, "name": "night", "when": {"waiting": 100}}]
    gatepost = await start_gatepost(notices=notices)
    await gatepost.reader("ada").submit("Hello")
    config = tmp_path / "gatepost.toml"
    bare = {"name": "A blog", "notices": notices}
    config.write_text(masking.toml(settings.parse({"database": {"url": store_url}, "sites": {"blog": bare}})))

    async def run(*words: str, status: int = 0) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, cli.app, ["notify", "test", *words, "--config", str(config)])
        assert done.exit_code == status, done.output
        return done.output

    assert await run("--site", "blog") == "moderators, JSON (1): took it\nnight, JSON (1): took it\n"
    assert [call.json["title"] for call in chat.calls] == ["A trial of the notices of A blog"] * 2
    assert "1 comment waits on A blog." in chat.calls[0].json["message"]
    chat.status = 404
    said = await run("--site", "blog", "--name", "night", status=1)
    assert said.startswith("night, JSON (1): ")
    assert "404" in said
    assert "no notice" in await run("--site", "blog", "--name", "day", status=2)
    assert "there is no site" in await run("--site", "other", status=2)
