"""The checks `links` and `hosts`: links that hide where they lead, and hosts that are new to a site."""

import pytest

from tests.triage.checks.looking import codes, context, found, marked


@pytest.mark.parametrize(
    ("body", "lookalike"),
    [
        ("https://аррӏе.example/", True),
        ("https://pаypal.example/", True),
        ("https://münchen.example/ https://кремль.example/ https://例え.example/", False),
        ("https://почта.рф/ https://example.example/", False),
        ("[paypal.example](https://evil.example/)", True),
        ("[https://paypal.example/login](https://evil.example/)", True),
        ("[paypal.example](https://www.paypal.example/x) [a paper](https://evil.example/)", False),
        ("[shop.paypal.example](https://paypal.example/)", True),
        ("[paypal.example](https://shop.paypal.example/)", False),
    ],
)
def test_host_that_looks_like_another_one(body: str, lookalike: bool) -> None:
    facts = found(body)
    assert facts.values["links.lookalike"] is lookalike
    assert bool({"lookalike", "shows-another-host"} & set(codes(facts))) is lookalike


def test_lookalike_is_told_with_what_it_looks_like() -> None:
    body = "Log in at https://pаypal.example/ now"
    facts = found(body)
    assert marked(body, facts, "lookalike") == ["https://pаypal.example/"]
    [verdict] = [one for one in facts.verdicts if one.code == "lookalike"]
    assert "looks like paypal.example" in verdict.text


@pytest.mark.parametrize(
    ("body", "shortener"), [("https://bit.ly/x", True), ("https://habit.ly/x", False), ("mailto:a@b.example", False)]
)
def test_shortener_hides_where_a_link_leads(body: str, shortener: bool) -> None:
    assert found(body).values["links.shortener"] is shortener


def test_new_hosts_are_counted_and_marked() -> None:
    body = "https://a.example/1 https://b.example https://www.a.example/2"
    facts = found(body, context()._replace(new_hosts=frozenset({"a.example"})))
    assert facts.values["links.new_hosts"] == 1
    assert marked(body, facts, "new-host") == ["https://a.example/1", "https://www.a.example/2"]
    assert found(body, context()._replace(new_hosts=frozenset())).values["links.new_hosts"] == 0


def test_new_hosts_are_unknown_until_the_old_ones_were_read() -> None:
    facts = found("https://a.example", context()._replace(new_hosts=None))
    assert facts.unknown == {"links.new_hosts"}
    assert facts.values["links.count"] == 1
