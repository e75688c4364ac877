"""The least that aiohttp can do: a program that answers with bytes it has ready. The yardstick of `bench.py`.

    python -m benchmarks.bare --port 9001 --service http://127.0.0.1:9000 --site blog post-0 post-1

It asks the service once for every list that it is to give, in each encoding, and then answers from memory: no
middleware, no log, no metrics, no limits, and of the service's headers only `ETag` and `Cache-Control` (and what the
bytes cannot be read without). `/v1/...` is plain, `/gzip/...` and `/br/...` are compressed, `/304/...` only says 304.
"""

import argparse
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from aiohttp import web
from aiohttp.typedefs import Handler

ENCODINGS = {name: {"Accept-Encoding": name.replace("v1", "identity")} for name in ("v1", "gzip", "br")}
"""What each first part of the path stands for."""
PATH = "/v1/sites/{}/posts/{}/comments"
KEPT_HEADERS = ("ETag", "Cache-Control", "Content-Encoding")


@dataclass(frozen=True)
class Kept:
    """One reply of the service, as it came."""

    body: bytes
    headers: dict[str, str]
    status: int = 200


def application(pages: dict[str, dict[str, Kept]]) -> web.Application:
    """An application with one route for each encoding, and one that says 304."""
    app = web.Application()
    for variant, kept in pages.items():
        app.router.add_get(f"/{variant}/sites/{{site}}/posts/{{post}}/comments", _prepared(kept))
    app.router.add_get("/304/sites/{site}/posts/{post}/comments", _unchanged(pages["v1"]))
    return app


def _prepared(kept: dict[str, Kept]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        page = kept[request.match_info["post"]]
        return web.Response(body=page.body, content_type="application/json", headers=page.headers)

    return handle


def _unchanged(kept: dict[str, Kept]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=304, headers={"ETag": kept[request.match_info["post"]].headers["ETag"]})

    return handle


def fetch(url: str, headers: Mapping[str, str]) -> Kept:
    """A program's reply to one read. Raises OSError where there is none."""
    try:
        with urlopen(Request(url, headers=dict(headers)), timeout=30) as answer:  # noqa: S310  # our own
            return _kept(answer.status, answer.read(), answer.headers)
    except HTTPError as error:  # how urllib calls a 304
        with error:
            return _kept(error.code, error.read(), error.headers)


def _kept(status: int, body: bytes, headers: Message) -> Kept:
    return Kept(body, {name: str(headers[name]) for name in KEPT_HEADERS if name in headers}, status)


def main() -> None:
    """Ask for the lists, then answer until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--service", required=True)
    parser.add_argument("--site", required=True)
    parser.add_argument("posts", nargs="+")
    asked = parser.parse_args()
    pages = {
        variant: {post: fetch(f"{asked.service}{PATH.format(asked.site, post)}", encoded) for post in asked.posts}
        for variant, encoded in ENCODINGS.items()
    }
    new_loop: Callable[[], object] | None = None
    with suppress(ImportError):
        from uvloop import new_event_loop as new_loop
    loop = new_loop() if new_loop else None
    web.run_app(application(pages), host="127.0.0.1", port=asked.port, access_log=None, print=None, loop=loop)  # type: ignore[arg-type]  # uvloop's is one


if __name__ == "__main__":
    main()
