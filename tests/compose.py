"""Reads the compose files and the Dockerfile as Docker does, as far as ours go; what it does not know, it refuses.

Written after the compose specification (interpolation, `env_file`, `environment`) and Docker's page on `.dockerignore`.
"""

import json
import re
from collections.abc import Mapping
from fnmatch import translate
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
ONE, SCALE = "docker-compose.yml", "docker-compose.scale.yml"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?:(?P<how>:[-+?])(?P<text>[^${}]*))?\}|(?P<odd>))")
_LINE = re.compile(r"(?P<name>\w+)=(?:'(?P<quoted>[^'\n]*)'|(?P<plain>[^\s'\"$#\\]*))")


def read(file: str, dotenv: str = "") -> dict[str, Any]:
    """A compose file with the variables of `dotenv`, the text of a `.env`, filled in. Raises ValueError."""
    found = yaml.safe_load((ROOT / file).read_text())
    filled: dict[str, Any] = _filled(found, variables(dotenv))
    return filled


def variables(dotenv: str) -> dict[str, str]:
    """What a `.env` sets: plain words, or anything in single quotes."""
    lines = [_LINE.fullmatch(line) for line in dotenv.splitlines()]
    if None in lines:
        raise ValueError(f"not understood: {dotenv}")
    return {line["name"]: line["quoted"] or line["plain"] or "" for line in lines if line}


def environment_of(service: Mapping[str, Any], dotenv: str = "") -> dict[str, str]:
    """Every variable that a container of our image has: the image's, then `env_file`, then `environment`."""
    files = [variables(dotenv) for entry in service.get("env_file", []) if entry["path"] == ".env"]
    named = {name: str(text) for name, text in service.get("environment", {}).items()}
    return {**image_environment(), **{name: text for file in files for name, text in file.items()}, **named}


def image_environment() -> dict[str, str]:
    """What the Dockerfile sets in the image, but for the path."""
    last = DOCKERFILE.rpartition("\nFROM ")[2].replace("\\\n", " ")
    words = [word for line in re.findall(r"^ENV (.*)$", last, re.MULTILINE) for word in line.split()]
    return {name: text for name, text in (word.split("=", 1) for word in words) if name != "PATH"}


def command_of(service: Mapping[str, Any]) -> list[str]:
    """The words behind `gatepost` in a container of our image."""
    said = re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert said is not None
    return list(service.get("command") or json.loads(said[1]))


def reaches_the_build(path: str) -> bool:
    """Whether .dockerignore lets a file into the build: its last rule that fits the file or a folder of it decides."""
    lets_in = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        rule = line.strip().removeprefix("!")
        if rule and not rule.startswith("#") and _fits(rule, path):
            lets_in = line.strip().startswith("!")
    return lets_in


def _fits(rule: str, path: str) -> bool:
    steps = path.split("/")
    above = ["/".join(steps[: depth + 1]) for depth in range(len(steps))]
    everywhere, name = rule.startswith("**/"), rule.removeprefix("**/")
    assert "/" not in name, "a rule of another kind: teach it here"
    tried = [step for path in above for step in ([path.rpartition("/")[2]] if everywhere else [path])]
    return any(re.fullmatch(translate(name).replace(".*", "[^/]*"), step) for step in tried)


def _filled(found: Any, known: Mapping[str, str]) -> Any:
    if isinstance(found, dict):
        return {name: _filled(value, known) for name, value in found.items()}
    if isinstance(found, list):
        return [_filled(value, known) for value in found]
    return _VARIABLE.sub(lambda match: _text(match, known), found) if isinstance(found, str) else found


def _text(match: "re.Match[str]", known: Mapping[str, str]) -> str:
    if match["dollar"]:
        return "$"
    if match["name"] is None:
        raise ValueError(f"not understood: {match.string}")
    value, text = known.get(match["name"], ""), match["text"] or ""
    if match["how"] == ":?" and not value:
        raise ValueError(text)
    return {None: value, ":-": value or text, ":+": text if value else "", ":?": value}[match["how"]]
