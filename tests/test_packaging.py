"""What a clone, an install and an image promise: pins, commands, the Makefile's sentences, the Docker files."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()

PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[0-9][0-9A-Za-z.]*)")
CONSTRAINTS = [
    line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.strip() and not line.startswith("#")
]
PYTHONS = ["3.11.0", "3.12.0", "3.13.0", "3.14.0"]


def pins() -> dict[str, str]:
    found = [PIN.fullmatch(line) for line in CONSTRAINTS]
    return {canonicalize_name(pin["name"]): pin["version"] for pin in found if pin}


def requirements_of(distribution: str, extras: set[str], *, python: str) -> list[Requirement]:
    """What an installed distribution asks for on that Python; nothing for one that this machine does not have."""
    try:
        lines = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return []
    environment: dict[str, Any] = {
        **default_environment(),
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
    }
    wanted = [Requirement(line) for line in lines]
    return [
        requirement
        for requirement in wanted
        if requirement.marker is None
        or any(requirement.marker.evaluate({**environment, "extra": extra}) for extra in extras | {""})
    ]


def everything_below(distribution: str, extras: set[str], *, python: str) -> list[Requirement]:
    """The whole tree of requirements, each with the versions that somebody in it accepts."""
    found: list[Requirement] = []
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(distribution, frozenset(extras))]
    while waiting:
        name, wanted_extras = waiting.pop()
        if (name, wanted_extras) in seen:
            continue
        seen.add((name, wanted_extras))
        for requirement in requirements_of(name, set(wanted_extras), python=python):
            found.append(requirement)
            waiting.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return [requirement for requirement in found if canonicalize_name(requirement.name) != distribution]


def plain_environment(**variables: str) -> dict[str, str]:
    """An environment without what an outer `make` hands down to an inner one."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C.UTF-8"} | variables


def fake_python(folder: Path, name: str, *, version: tuple[int, int], has_venv: bool) -> Path:
    """A program that answers the three questions of scripts/find-python like such a Python would."""
    major, minor = version
    program = folder / name
    program.write_text(
        "#!/bin/sh\n"
        'case "$2" in\n'
        f'    *print*) echo "{major}.{minor}" ;;\n'
        f"    *ensurepip*) exit {0 if has_venv else 1} ;;\n"
        f"    *) exit {0 if version >= (3, 11) else 1} ;;\n"
        "esac\n"
    )
    program.chmod(0o755)
    return program


def broken_stub(folder: Path, name: str) -> None:
    program = folder / name
    program.write_text("#!/bin/sh\necho 'not active here' >&2\nexit 127\n")
    program.chmod(0o755)


def find_python(path: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", str(ROOT / "scripts" / "find-python")],
        env={"PATH": str(path)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("line", CONSTRAINTS)
def test_constraint_is_a_name_and_a_version_and_nothing_else(line: str) -> None:
    assert PIN.fullmatch(line), line


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "Makefile", "Dockerfile", ".ci/run"])
def test_no_package_address_is_written_down(name: str) -> None:
    assert not re.search(r"index-url|find-links|trusted-host|--hash|git\+|https?://", (ROOT / name).read_text())


@pytest.mark.parametrize("python", PYTHONS)
def test_every_package_that_gets_installed_is_pinned_to_a_version_that_its_users_accept(python: str) -> None:
    known = pins()
    asked = everything_below("gatepost", {"dev"}, python=python)
    assert len(asked) > len(PYPROJECT["project"]["dependencies"])
    assert {canonicalize_name(item.name) for item in asked} - known.keys() == set()
    refused = [str(item) for item in asked if not item.specifier.contains(known[canonicalize_name(item.name)])]
    assert refused == []


@pytest.mark.parametrize(("name", "too_old"), [("aiohttp", "3.14.2"), ("nh3", "0.3.7"), ("joserfc", "1.7.9")])
def test_version_with_known_faults_is_not_accepted(name: str, too_old: str) -> None:
    asked = {canonicalize_name(item.name): item for item in map(Requirement, PYPROJECT["project"]["dependencies"])}
    assert not asked[canonicalize_name(name)].specifier.contains(too_old)


def test_installed_version_is_the_one_in_pyproject() -> None:
    assert metadata.version("gatepost") == PYPROJECT["project"]["version"]


def test_changelog_has_an_unreleased_section_on_top() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert headings[0] == "[Unreleased]"


@pytest.mark.parametrize("command", ["serve", "health", "demo"])
def test_command_that_image_or_makefile_runs_exists(command: str) -> None:
    gatepost = Path(sys.executable).parent / "gatepost"
    answer = subprocess.run([gatepost, command, "--help"], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")


def test_image_serves_unless_told_otherwise() -> None:
    entrypoint, command = (re.search(rf"^{word} (.*)$", DOCKERFILE, re.MULTILINE) for word in ("ENTRYPOINT", "CMD"))
    assert entrypoint is not None
    assert command is not None
    assert (entrypoint[1], command[1]) == ('["gatepost"]', '["serve"]')


@pytest.mark.parametrize("name", [".ci/run", "scripts/find-python"])
def test_script_can_be_started(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)


def test_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert phony is not None
    answer = subprocess.run(
        ["make", "help"], cwd=ROOT, env=plain_environment(), capture_output=True, text=True, check=True
    )
    listed = set(re.findall(r"^  make ([a-z-]+) ", answer.stdout, flags=re.MULTILINE))
    assert listed == set(phony[1].split()) - {"remake"}
    assert listed >= {"demo", "test", "check-fast", "lint", "types", "format", "clean", "help"}


def test_newest_python_that_can_make_environments_is_chosen(tmp_path: Path) -> None:
    broken_stub(tmp_path, "python3.14")
    fake_python(tmp_path, "python3.13", version=(3, 13), has_venv=False)
    fake_python(tmp_path, "python3.12", version=(3, 12), has_venv=True)
    fake_python(tmp_path, "python3.11", version=(3, 11), has_venv=True)
    assert find_python(tmp_path).stdout == "python3.12\n"


def test_python_from_the_command_line_is_taken_before_any_other(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    fake_python(folder, "python3.14", version=(3, 14), has_venv=True)
    mine = fake_python(folder, "mine", version=(3, 11), has_venv=True)
    assert find_python(folder, PYTHON=str(mine)).stdout == f"{mine}\n"


def test_missing_python_is_answered_with_what_to_install(tmp_path: Path) -> None:
    answer = find_python(tmp_path)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "apt install python3 python3-venv" in answer.stderr.splitlines()[0]


def test_old_python_is_answered_with_its_version_and_what_to_install(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", version=(3, 9), has_venv=True)
    answer = find_python(tmp_path)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert re.match(r"Gatepost needs Python 3\.11 or newer; python3 is 3\.9\..* apt install ", answer.stderr)


def test_python_without_venv_is_answered_with_the_package_that_brings_it(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", version=(3, 11), has_venv=False)
    answer = find_python(tmp_path)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "apt install python3.11-venv" in answer.stderr.splitlines()[0]


def test_first_line_that_make_prints_says_what_to_install(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    (clone / "scripts").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "scripts/find-python"):
        shutil.copy(ROOT / name, clone / name)
    without_venv = fake_python(tmp_path, "python3.11", version=(3, 11), has_venv=False)
    for target in ("demo", "test"):
        answer = subprocess.run(
            ["make", target, f"PYTHON={without_venv}"],
            cwd=clone,
            env=plain_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert answer.returncode != 0
        assert "apt install python3.11-venv" in answer.stdout.splitlines()[0]
