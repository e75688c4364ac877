"""`gatepost policy`: a policy is read, validated, put and tried from a shell, also beside a running service."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from service import cli
from service.model import AuthorKey, Identity, Label, PostKey, Profile, SiteKey, SiteRules, system_clock
from service.moderation import submissions
from service.moderation.submissions import Draft
from service.store.database import Database
from service.triage import document, starters
from service.triage.document.known import Known
from tests.triage import policies
from tests.triage.policies import of_rules

LINKS = {"id": "links-hold", "title": "Links wait", "when": [{"links.count": {"at_least": 1}}]}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "gatepost.toml"
    file.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/gatepost.db"\n[sites.blog]\nname = "A blog"\n')
    return file


def run(*arguments: object, config: Path | None = None) -> Any:
    """The result of one command."""
    given = [str(argument) for argument in arguments]
    return CliRunner().invoke(cli.app, ["policy", *given, *(["--config", str(config)] if config else [])])


def written(folder: Path, content: Any) -> Path:
    file = folder / "policy.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_a_policy_goes_in_and_comes_out(config: Path, tmp_path: Path) -> None:
    assert json.loads(run("show", "--site", "blog", config=config).stdout)["otherwise"] == "hold"
    wanted = of_rules(LINKS)
    file = written(tmp_path, wanted)
    put = run("put", "--site", "blog", file, "--note", "links", config=config)
    assert (put.exit_code, put.stdout) == (0, "Version 1 holds now, with 1 rules.\n"), put.output
    assert run("put", "--site", "blog", file, config=config).stdout == "Version 1 holds already, with 1 rules.\n"
    assert json.loads(run("show", "--site", "blog", config=config).stdout) == wanted
    listed = run("versions", "--site", "blog", config=config).stdout
    assert ("Operator" in listed, "links" in listed) == (True, True)
    tried = run("trial", "--site", "blog", "--text", "See https://example.org/", config=config)
    assert tried.stdout.startswith("hold (by links-hold)\nlinks-hold: hold, Links wait\n"), tried.output
    assert (
        run("trial", "--site", "blog", "--given", "links.count=0", config=config).stdout == "publish (by otherwise)\n"
    )


@pytest.mark.parametrize("name", starters.names())
def test_each_policy_to_start_with_passes_its_tests_and_can_be_put(config: Path, name: str) -> None:
    examined = document.examine(starters.document(name), Known(), version=1, now=system_clock())
    assert len(examined.policy.cases) >= 3
    assert {warned.code for warned in examined.warnings} <= {"acts-alone"}
    put = run("put", "--site", "blog", "--starter", name, config=config)
    assert (put.exit_code, "Version 1 holds now" in put.stdout) == (0, True), put.output


def test_a_policy_in_a_file_is_validated_without_anything_else(tmp_path: Path) -> None:
    tests = [{"name": "a link waits", "text": "https://example.org/", "expect": "hold"}]
    good = run("validate", written(tmp_path, {**of_rules(LINKS), "tests": tests}))
    assert (good.exit_code, "1 rules, 1 tests passed" in good.stdout) == (0, True), good.output
    failing = run("validate", written(tmp_path, {**of_rules(), "tests": tests}))
    assert failing.exit_code == 1
    assert '/tests/0: "a link waits" expects hold, but publish comes out (by otherwise)' in failing.stderr


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        ('{"format": 2}', 1, "/format: must be 1"),
        ('{"format": 1, "format": 1}', 1, "names a member twice"),
        ("{", 1, "not JSON"),
        ('{"format": 1, "otherwise": "\\ud800"}', 1, "half a character"),
    ],
)
def test_what_is_no_policy_is_said_in_a_line(tmp_path: Path, content: str, status: int, said: str) -> None:
    refused = run("validate", written(tmp_path, content))
    assert (refused.exit_code, said in refused.stderr) == (status, True), refused.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["put", "--site", "blog"], "name a FILE"),
        (["put", "--site", "blog", "--starter", "nothing"], "there: everything-waits"),
        (["show", "--site", "other"], 'no site "other"'),
        (["validate", "/nowhere/policy.json"], "cannot be read"),
        (["trial", "--site", "blog", "--given", "links.count"], "NAME=VALUE"),
        (["trial", "--site", "blog", "--text", "a", "--comment", "b"], "not both"),
    ],
)
def test_a_command_that_is_not_understood_says_what_to_write(config: Path, arguments: list[str], said: str) -> None:
    refused = run(*arguments, config=None if arguments[0] == "validate" else config)
    assert (refused.exit_code, said in refused.stderr) == (2, True), refused.output


def test_what_this_site_seldom_knows_is_warned_of(config: Path, tmp_path: Path) -> None:
    """As over HTTP, in words and with the code; a warning changes no status."""
    shouting = {"id": "shouting", "title": "Shouts", "when": [{"text.capitals_share": {"at_least": 0.7}}]}
    asyncio.run(_short_comments(tmp_path, of_rules(shouting)))
    words = tmp_path / "words.txt"
    words.write_text("")
    for name in ("rivals", "spare"):
        made = CliRunner().invoke(
            cli.app, ["lists", "import", name, str(words), "--site", "blog", "--config", str(config)]
        )
        assert made.exit_code == 0, made.output
    listed = {"id": "rivals", "title": "Rivals", "when": [{"lists.matched": {"any_of": ["rivals"]}}]}
    file = written(tmp_path, of_rules(shouting, listed))
    warnings = [
        "/rules/0/when/0/text.capitals_share: was not known for 100% of the comments that came lately; then this does"
        " not hold (abstains-often)",
        '/rules/1/when/0/lists.matched: the list "rivals" has no entry, so no text matches it (empty-list)',
        '/rules: no rule names the list "spare", so its entries do nothing (unused)',
    ]
    for arguments in (("validate", file, "--site", "blog"), ("put", file, "--site", "blog")):
        warned = run(*arguments, config=config)
        assert (warned.exit_code, warned.stderr.splitlines()) == (0, warnings), warned.output
    alone = run("validate", file)
    assert (alone.exit_code, alone.stderr) == (0, ""), "there is no site to know anything of"


@pytest.mark.parametrize("command", ["validate", "put"])
def test_a_list_that_the_site_has_not_is_said_beside_its_place(config: Path, tmp_path: Path, command: str) -> None:
    file = written(tmp_path, of_rules({**LINKS, "when": [{"lists.matched": {"any_of": ["slurs"]}}]}))
    refused = run(command, file, "--site", "blog", config=config)
    said = '/rules/0/when/0/lists.matched/any_of/0: there is no list "slurs" on this site\n'
    assert (refused.exit_code, refused.stderr) == (1, said), refused.output
    assert run("validate", file).exit_code == 0


async def _short_comments(folder: Path, wanted: dict[str, Any]) -> None:
    """A hundred comments that are judged by a policy."""
    site = SiteRules(SiteKey("blog"))
    who = Identity(site.key, "login", "ada", Profile("Ada"))
    database = await Database.open(f"sqlite:///{folder}/gatepost.db", clock=system_clock)
    try:
        await policies.put(database, site.key, wanted)
        for number in range(100):
            draft = Draft(f"Short {number}", f"<p>Short {number}</p>", None, Label())
            await database.write(submissions.submit, site, PostKey("post"), AuthorKey("ada"), who, draft)
    finally:
        await database.close()
