"""What the pages on logins tell people to write is understood, and the code in them works."""

import json
import os
import re
import shutil
import subprocess
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service import settings
from service.auth.login import Credentials
from service.auth.session import SessionLogin
from service.model import Role, SiteKey
from tests.auth.blog import Blog
from tests.auth.fetching import fetching, never_fetching
from tests.harness import Hands

PAGES = Path(__file__).parents[2] / "docs" / "login"
SECRET = "a secret that openssl has made for the two of them"


def blocks(page: str, language: str) -> list[str]:
    text = (PAGES / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("page", "number"), [("jwt.md", number) for number in range(3)] + [("oidc.md", number) for number in range(3)]
)
def test_configuration_on_the_page_is_understood(page: str, number: int) -> None:
    found = blocks(page, "toml")
    assert len(found) == 3
    login = settings.parse(tomllib.loads(found[number])).sites["blog"].login[0]
    assert login.kind == page.removesuffix(".md")


async def test_token_that_the_page_teaches_to_make_is_let_in(monkeypatch: pytest.MonkeyPatch, clock: Hands) -> None:
    monkeypatch.setenv("BLOG_JWT_SECRET", SECRET)
    clock.now = time.time_ns() // 1_000_000
    module: dict[str, Any] = {}
    exec(compile(blocks("jwt.md", "python")[0], "comment_token.py", "exec"), module)  # noqa: S102 - that is the page's promise
    make: Callable[..., str] = module["comment_token"]
    site = settings.parse(tomllib.loads(blocks("jwt.md", "toml")[0])).sites["blog"]
    login = site.login[0].open(site=SiteKey("blog"), roles=site.roles, clock=clock, fetch=never_fetching())
    identity = await login.identify(Credentials(make(42, "Ada", ("moderator",))))
    assert identity is not None
    assert (identity.subject, identity.profile.name) == ("42", "Ada")
    assert identity.roles == {Role.MODERATOR}


@pytest.mark.parametrize("page", ["jwt.md", "oidc.md", "session.md"])
def test_page_shows_the_tag_and_where_its_link_leads(page: str) -> None:
    text = (PAGES / page).read_text(encoding="utf-8")
    assert "<gatepost-comments " in text
    assert "login_url" in text


# --- WordPress: the page's code in PHP, on functions that do what WordPress's do --------------------------------------

WORDPRESS = """<?php
class WP_Error {
    public function __construct(public string $code, public string $text, public array $data) {}
}
class Request {
    public function __construct(private array $headers) {}
    public function get_header(string $name): ?string { return $this->headers[$name] ?? null; }
}
$told = json_decode(stream_get_contents(STDIN), true);
function add_action($hook, $do) { $do(); }
function register_rest_route($space, $path, $route) { $GLOBALS['route'] = $route; }
function nocache_headers() {}
function wp_validate_auth_cookie($cookie, $scheme) { return $scheme === 'logged_in' ? $GLOBALS['told']['id'] : false; }
function get_userdata($id) { return (object) (['ID' => $id] + $GLOBALS['told']['user']); }
function user_can($user, $capability) { return in_array($capability, $GLOBALS['told']['can'], true); }
function wp_strip_all_tags($text) { return trim(strip_tags($text)); }
require $argv[1];
if (!$route['permission_callback'](new Request($told['headers']))) { exit('forbidden'); }
echo json_encode($route['callback'](new Request($told['headers'])));
"""


def kept_by_wordpress(text: str) -> str:
    """Text as WordPress keeps it in a profile: escaped once (`wp_filter_kses`, `_wp_specialchars`)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


@pytest.fixture
def whoami(tmp_path: Path) -> Callable[..., Any]:
    """Asks the who-am-I address of the page's code."""
    php = shutil.which("php")
    if php is None:
        assert "CI" not in os.environ, "no php: .ci/run installs it"
        pytest.skip("no php on the search path")
    (tmp_path / "wordpress.php").write_text(WORDPRESS)
    (tmp_path / "gatepost.php").write_text(blocks("session.md", "php")[0])

    def ask(
        *, account: int | bool = 7, can: tuple[str, ...] = (), headers: dict[str, str] | None = None, **user: str
    ) -> Any:
        profile = {"display_name": "Ada", "description": "", "user_url": "", **user}
        told = {"id": account, "can": can, "user": profile, "headers": headers or {"X-Gatepost-Site": "blog"}}
        command = [php, "-d", "display_errors=1", "-d", "error_reporting=-1", "wordpress.php", "gatepost.php"]
        done = subprocess.run(
            command, cwd=tmp_path, input=json.dumps(told), capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout if done.stdout == "forbidden" else json.loads(done.stdout)

    return ask


@pytest.mark.parametrize(
    "text", ["Tom & Jerry", "R&D", 'Ada "the Countess"', "a < b > c", "I <3 &amp; you", "Müller 💛"]
)
def test_wordpress_sends_the_text_and_not_its_html(whoami: Callable[..., Any], text: str) -> None:
    address = "https://ada.example/?a=1&b=2"
    kept = kept_by_wordpress(text)
    answer = whoami(display_name=kept, description=kept, user_url=kept_by_wordpress(address))
    assert (answer["name"], answer["bio"], answer["url"]) == (text, text, address)


@pytest.mark.parametrize(
    ("can", "roles"),
    [
        ((), set()),
        (("read", "edit_posts"), set()),
        (("moderate_comments",), {Role.MODERATOR}),
        (("manage_options", "moderate_comments"), {Role.MODERATOR, Role.ADMIN}),
    ],
)
async def test_who_may_moderate_in_wordpress_moderates_here(
    whoami: Callable[..., Any], clock: Hands, can: tuple[str, ...], roles: frozenset[Role]
) -> None:
    answer = whoami(can=can)
    site = settings.parse(tomllib.loads(next(text for text in blocks("session.md", "toml") if "wordpress" in text)))
    block = site.sites["blog"].login[0]
    assert isinstance(block, SessionLogin)
    assert "rest_route=" in block.url, "works with plain permalinks too"
    async with Blog() as blog, fetching() as fetch:
        cookie = blog.log_in("1", **answer)
        asked = block.model_copy(update={"url": blog.url, "cookies": ("sid",)})
        login = asked.open(site=SiteKey("blog"), roles=site.sites["blog"].roles, clock=clock, fetch=fetch)
        identity = await login.identify(Credentials(headers={"cookie": cookie}))
        await login.stop()
    assert identity is not None
    assert identity.subject == "7"
    assert identity.roles == roles


def test_wordpress_answers_nobody_and_strangers_as_the_page_says(whoami: Callable[..., Any]) -> None:
    assert whoami(account=False)["data"] == {"status": 401}
    assert whoami(headers={"X-Other": "1"}) == "forbidden"
    assert "avatar" not in whoami(), "Gravatar's address would tell a hash of the reader's e-mail address"
