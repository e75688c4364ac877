"""The pages under docs/login/: what they tell people to write into the configuration is accepted."""

import re
import tomllib
from pathlib import Path

import pytest

from service import settings

PAGES = Path(__file__).parents[2] / "docs" / "login"
KINDS = ("session", "introspection", "forwarded")
EXAMPLES = [
    pytest.param(kind, example, id=f"{kind}-{number}")
    for kind in KINDS
    for number, example in enumerate(
        re.findall(r"^```toml\n(.*?)^```", (PAGES / f"{kind}.md").read_text(), re.M | re.S)
    )
]


@pytest.mark.parametrize(("kind", "example"), EXAMPLES)
def test_example_is_a_configuration_with_a_login_of_the_pages_kind(kind: str, example: str) -> None:
    parsed = settings.parse(tomllib.loads(example))
    assert [login.kind for site in parsed.sites.values() for login in site.login] == [kind]


@pytest.mark.parametrize("kind", KINDS)
def test_page_has_an_example(kind: str) -> None:
    assert any(example.values[0] == kind for example in EXAMPLES)
