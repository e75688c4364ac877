"""What the pages on `jwt` and `oidc` tell people to write is understood, and the code in them works."""

import re
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service import settings
from service.auth.fetch import Fetch
from service.auth.login import Credentials
from service.model import Role, SiteKey
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
    login = site.login[0].open(site=SiteKey("blog"), roles=site.roles, clock=clock, fetch=Fetch())
    identity = await login.identify(Credentials(make(42, "Ada", ("moderator",))))
    assert identity is not None
    assert (identity.subject, identity.profile.name) == ("42", "Ada")
    assert identity.roles == {Role.MODERATOR}


@pytest.mark.parametrize("page", ["jwt.md", "oidc.md"])
def test_page_shows_the_link_with_the_return_address(page: str) -> None:
    text = (PAGES / page).read_text(encoding="utf-8")
    assert "LOGIN to add comments" in text
    assert "location.href" in text
    assert "login_url" in text
