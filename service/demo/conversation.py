"""What stands below the article when the demo opens: said, and let in, through Gatepost's API like everything else."""

from typing import Any
from urllib.parse import quote

from aiohttp import ClientSession

from service.demo.blog import POST, SITE, TITLE, Blog
from service.demo.people import (
    FIRST_ANSWER,
    FIRST_COMMENT,
    IVY,
    LINKED_COMMENT,
    MO,
    NELL,
    PERCY,
    WAITING_COMMENT,
    WALTER,
    Reader,
)

POLICY: dict[str, Any] = {
    "format": 1,
    "otherwise": "hold",
    "rules": [
        {
            "id": "links-wait",
            "title": "Somebody looks at links first",
            "not_for": ["staff"],
            "when": [{"links.count": {"at_least": 1}}],
            "then": "hold",
            "priority": 10,
        }
    ],
}
"""Everything waits, as without rules, so a visitor sees their own comment wait; this one says why, and marks it."""


async def hold(blog: Blog) -> None:
    """Walter's comment and Mo's answer are published, Ivy's question waits, and so does Percy's link, by a rule.

    Raises ClientResponseError when refused.
    """
    async with ClientSession(raise_for_status=True) as client:
        await _put_policy(client, blog)
        first = await _say(client, blog, WALTER, FIRST_COMMENT)
        await _let_in(client, blog, first)
        answer = await _say(client, blog, MO, FIRST_ANSWER, parent_id=first["id"])
        await _let_in(client, blog, answer)
        await _say(client, blog, IVY, WAITING_COMMENT)
        await _say(client, blog, PERCY, LINKED_COMMENT)


async def _say(
    client: ClientSession, blog: Blog, who: Reader, text: str, *, parent_id: str | None = None
) -> dict[str, Any]:
    body = {"body": text, "parent_id": parent_id, "post": {"title": TITLE, "url": f"{blog.origin}/"}}
    path = f"/posts/{quote(POST, safe='')}/comments"
    comment: dict[str, Any] = (await _post(client, blog, who, path, body))["comment"]
    return comment


async def _let_in(client: ClientSession, blog: Blog, comment: dict[str, Any]) -> None:
    decision = {"action": "approve", "version": comment["version"]}
    await _post(client, blog, MO, f"/comments/{comment['id']}/decisions", decision)


async def _put_policy(client: ClientSession, blog: Blog) -> None:
    url = f"{blog.gatepost}/v1/sites/{SITE}/policy"
    headers = {"Authorization": f"Bearer {blog.token_for(NELL)}", "If-Match": '"0"'}
    async with client.put(url, json={"document": POLICY}, headers=headers):
        pass


async def _post(client: ClientSession, blog: Blog, who: Reader, path: str, body: dict[str, Any]) -> dict[str, Any]:
    url = f"{blog.gatepost}/v1/sites/{SITE}{path}"
    headers = {"Authorization": f"Bearer {blog.token_for(who)}"}
    async with client.post(url, json=body, headers=headers) as response:
        reply: dict[str, Any] = await response.json()
        return reply
