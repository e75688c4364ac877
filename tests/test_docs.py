"""The documents say what is there, and what they show works. Settings and their manual: `test_settings.py`."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from service import cli, settings
from service.auth.kinds import LoginSettings
from service.errors import PROBLEMS
from service.metrics import Metrics
from service.web import body_size
from service.web.routes import ROUTES
from tests.harness import Gatepost

ROOT = Path(__file__).parent.parent
DOCS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in DOCS}
EVERYTHING = "\n".join(PAGES.values())
SECRET = "a secret that the blog and Gatepost share, for the examples"
SHIM = """#!/bin/sh
# Beside what curl does: the status of every reply, in order.
exec {curl} --write-out '%{{stderr}}%{{http_code}}\\n' "$@" 2>>"$STATUSES"
"""


def blocks(page: str, *languages: str) -> list[str]:
    """The code blocks of a page that are in one of these languages."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", PAGES[page], flags=re.MULTILINE | re.DOTALL)
    return [block for language, block in found if language in languages]


def each_block(*languages: str) -> list[Any]:
    """Every code block in these languages, as parameters of a test."""
    return [
        pytest.param(block, id=f"{page}-{number}")
        for page in PAGES
        for number, block in enumerate(blocks(page, *languages))
    ]


# --- What must be there -----------------------------------------------------------------------------------------------


def test_every_problem_has_a_row_with_its_status() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", PAGES["docs/problems.md"], flags=re.MULTILINE))
    assert rows == {code: str(problem.status) for code, problem in PROBLEMS.items()}


async def test_every_problem_has_a_page_on_the_service(gatepost: Gatepost) -> None:
    for code, problem in PROBLEMS.items():
        answer = await gatepost.visitor.get(f"/problems/{code}")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8"), code
        assert problem.title.split("'")[0] in answer.body.decode(), code


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_in_the_guide(route: Any) -> None:
    assert f"`{route.method} {route.path}`" in PAGES["docs/api.md"]


def test_the_guide_invents_no_route() -> None:
    named = re.findall(r"`([A-Z]+ /[^` ]*)`", PAGES["docs/api.md"])
    assert set(named) == {f"{route.method} {route.path}" for route in ROUTES}


def commands() -> Iterator[str]:
    """Every command of `gatepost`, as it is typed."""
    group = typer.main.get_command(cli.app)
    for name, command in getattr(group, "commands", {}).items():
        within = getattr(command, "commands", None)
        yield from (f"gatepost {name} {inner}" for inner in within) if within else [f"gatepost {name}"]


@pytest.mark.parametrize("command", list(commands()))
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"\b{command}\b", EVERYTHING)


def test_documents_invent_no_command() -> None:
    known = set(commands())
    named = {
        " ".join(found.split())
        for found in re.findall(r"\bgatepost (?:key |db |export |webhook )?(?!gatepost\b)[a-z]+\b", code_in_documents())
    }
    assert {name for name in named if name not in known and f"{name} " not in " ".join(known)} == set()


@pytest.mark.parametrize("block", each_block("nginx", "caddy", "caddyfile"))
def test_every_proxy_of_the_documents_lets_the_largest_body_through(block: str) -> None:
    """nginx itself stops at 1 MB, where it is not told otherwise; Caddy has no limit of its own."""
    sizes = re.findall(r"(?:client_max_body_size|max_size) (\d+)(\w+)", block)
    units = {"k": 1_000, "kb": 1_000, "m": 1_000_000, "mb": 1_000_000}
    assert [size for size in sizes if int(size[0]) * units[size[1].lower()] < body_size.MOST_BYTES] == []
    if "proxy_pass" in block:
        assert sizes


def code_in_documents() -> str:
    """Code spans and blocks of all documents."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", EVERYTHING, flags=re.DOTALL))


def test_every_metric_is_in_the_operators_manual() -> None:
    manual = PAGES.get("docs/operating.md", "")
    names = {
        f"{family.name}_total" if family.type == "counter" else family.name for family in Metrics().registry.collect()
    }
    assert sorted(name for name in names if f"`{name}`" not in manual) == []


@pytest.mark.parametrize(
    "kind", [get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(get_args(LoginSettings)[0])]
)
def test_every_login_kind_has_a_page_with_a_complete_example(kind: str) -> None:
    examples = [tomllib.loads(block) for block in blocks(f"docs/login/{kind}.md", "toml")]
    logins = [
        login for example in examples for site in example.get("sites", {}).values() for login in site.get("login", [])
    ]
    assert kind in [login["kind"] for login in logins]


# --- What is there must be true ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    linked = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", PAGES[page], flags=re.DOTALL))
    here = {target for target in linked if not re.match(r"[a-z]+:", target)}
    assert {target for target in here if not _leads_somewhere(page, target)} == set()


def _leads_somewhere(page: str, target: str) -> bool:
    file, _, anchor = target.partition("#")
    path = (ROOT / page).parent / file if file else ROOT / page
    if not path.exists():
        return False
    if not anchor:
        return True
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), flags=re.MULTILINE)
    return anchor in {re.sub(r"[^\w\- ]", "", text).strip().lower().replace(" ", "-") for text in headings}


@pytest.mark.parametrize("block", each_block("toml"))
def test_every_toml_example_is_a_configuration(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GATEPOST_")]:
        monkeypatch.delenv(name)
    example = tomllib.loads(block)
    for site in example.get("sites", {}).values():
        site.setdefault("name", "A site, for an example that shows only a part of it")
    settings.parse(example)


@pytest.mark.parametrize("block", each_block("json"))
def test_every_json_example_is_json(block: str) -> None:
    assert json.loads(block) is not None


@contextmanager
def service_of_the_readme(folder: Path) -> Iterator[dict[str, str]]:
    """`gatepost serve` with the README's own configuration; yields the environment in which its examples run."""
    (folder / "gatepost.toml").write_text(next(block for block in blocks("README.md", "toml") if "login" in block))
    tools = folder / "bin"
    tools.mkdir()
    _executable(tools / "gatepost", f'#!/bin/sh\nexec {sys.executable} -m service "$@"\n')
    _executable(tools / "curl", SHIM.format(curl=_which("curl")))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GATEPOST_")},
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "BLOG_JWT_SECRET": SECRET,
        "GATEPOST_SERVER__PORT": "0",
        "GATEPOST_SERVER__DRAIN_SECONDS": "0",
        "STATUSES": str(folder / "statuses"),
    }
    command = [sys.executable, "-m", "service", "serve"]
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            started = next(json.loads(line) for line in server.stderr if "service.started" in line)
            yield {**environment, "GATEPOST": started["address"]}
        finally:
            server.terminate()
            server.communicate()


def _executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _which(command: str) -> str:
    return subprocess.run(["which", command], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any("curl" in block for block in blocks(page, "bash"))])
def test_examples_run_and_get_the_status_that_they_show(page: str, tmp_path: Path) -> None:
    script = "\n".join(blocks(page, "bash"))
    with service_of_the_readme(tmp_path) as environment:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        statuses = Path(environment["STATUSES"]).read_text().split()
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(statuses) == len(re.findall(r"\bcurl -s", script))
    shown = re.findall(r"^# (\d{3})\b", script, flags=re.MULTILINE)
    assert statuses == shown or (not shown and all(status.startswith("2") for status in statuses))
    codes = re.findall(r"^# \d{3} ([a-z-]+)", script, flags=re.MULTILINE)
    assert re.findall(r'"type":"/problems/([a-z-]+)"', done.stdout) == codes
