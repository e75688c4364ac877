"""A blog as its owner would set it up after the manual: its own pages and Gatepost under one address, by nginx."""

import re
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.faults.process import Service
from tests.real import programs

PAGES = Path(__file__).parents[2] / "docs" / "login"


def block(page: str, language: str, *, holding: str) -> str:
    """The example in `language` on a page of the manual that holds these words."""
    text = (PAGES / page).read_text(encoding="utf-8")
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    wanted = [example for example in found if holding in example]
    assert wanted, f"{page} has no {language} example with {holding!r}"
    return str(wanted[0])


@dataclass
class Configured(Service):
    """`gatepost serve` with the configuration that stands on a page of the manual."""

    text: str = ""

    def _configuration(self) -> str:
        assert tomllib.loads(self.text)["sites"]["blog"]
        return f"""
[server]
port = 0
drain_seconds = 0
trusted_proxies = ["127.0.0.1/32"]
[database]
url = "{self.url}"
{self.text}
"""


@asynccontextmanager
async def gatepost(folder: Path, text: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """A service with the configuration `text` while the block lasts; its address."""
    service = Configured(folder, f"sqlite:///{folder}/gatepost.db", environment=environment or {}, text=text)
    await service.start()
    try:
        yield service.address
    finally:
        await service.make_sure_it_ended()


@asynccontextmanager
async def front_door(folder: Path, port: int, *, blog: str, gatepost: str) -> AsyncIterator[None]:
    """nginx at `port`, which hands `/v1/` on to Gatepost and everything else to the blog."""
    (folder / "nginx.conf").write_text(
        f"""
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
daemon off;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    server {{
        listen 127.0.0.1:{port};
        location /v1/ {{ proxy_pass {gatepost}; }}
        location / {{ proxy_pass {blog}; }}
    }}
}}
"""
    )
    async with programs.running(
        "nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder), folder=folder, ready=port
    ):
        yield


@dataclass
class Visitor:
    """One browser: its cookies, or a token that its page sends, and the page's origin."""

    session: aiohttp.ClientSession
    address: str
    token: str | None = None
    origin: str = ""
    """Where the page is from; at `address` where that is left out."""

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Call Gatepost as a page of the blog does; the status and the reply."""
        headers = {"Origin": self.origin or self.address} | (
            {"Authorization": f"Bearer {self.token}"} if self.token else {}
        )
        url = f"{self.address}/v1/sites/blog{path}"
        async with self.session.request(method, url, headers=headers, **options) as reply:
            return reply.status, await reply.json(content_type=None)


async def comment_is_published(reader: Visitor, moderator: Visitor, anybody: Visitor) -> Mapping[str, Any]:
    """A comment goes the whole way: it waits, nobody sees it, it is approved, everybody sees it. As the list has it."""
    body = {"body": "What a *fine* article."}
    status, said = await reader.call("POST", "/posts/2005%2F07/comments", json=body)
    assert status == 202, said
    assert said["comment"]["status"] == "pending"
    status, listed = await anybody.call("GET", "/posts/2005%2F07/comments")
    assert (status, listed["comments"]) == (200, [])
    assert (await reader.call("GET", "/queue"))[0] == 403
    status, queue = await moderator.call("GET", "/queue")
    assert status == 200
    waiting = queue["entries"][0]["comment"]
    decision = {"action": "approve", "version": waiting["version"]}
    assert (await moderator.call("POST", f"/comments/{waiting['id']}/decisions", json=decision))[0] == 201
    status, listed = await anybody.call("GET", "/posts/2005%2F07/comments")
    assert status == 200
    [published] = listed["comments"]
    assert "What a <em>fine</em> article." in published["html"]
    return dict(published)
