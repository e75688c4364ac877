"""Joins the embed's ES modules into one script: integrity of a module does not cover what it imports.

It is no bundler. It puts the files one behind the other, in the order in which they need each other, without their
`import` and `export` words. For that the source keeps some rules, and `join` raises JoinError where one is broken:

- an import stands on one line and renames nothing; it names modules, JSON or a style sheet of the same folder;
- no two modules have the same name at their top level;
- a comment stands on lines of its own, so that it can be left out, as indentation is.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parent / "source"
IMPORT: Final = re.compile(r'import \{ (?P<names>\w+(?:, \w+)*) \} from "\./(?P<module>[\w-]+\.js)";')
ASSET: Final = re.compile(
    r'import (?P<name>\w+) from "\./(?P<file>[\w/-]+\.(?P<kind>json|css))" with \{ type: "\w+" \};'
)
DECLARED: Final = re.compile(r"^(?:export )?(?:async )?(?:const|let|class|function\*?) (\w+)", re.MULTILINE)

Read = Callable[[str], str]


class JoinError(Exception):
    """The source breaks a rule of this file."""


def read_source(name: str) -> str:
    """A file of the source, by its path below the folder."""
    return (SOURCE / name).read_text("utf-8")


def join(entry: str, read: Read = read_source) -> str:
    """One script of the module `entry` and all that it imports. `read` finds a file's text. Raises JoinError."""
    parts: dict[str, str] = {}
    owners: dict[str, str] = {}
    _add(entry, read, parts, owners, ())
    return "".join(parts.values())


def _add(name: str, read: Read, parts: dict[str, str], owners: dict[str, str], above: tuple[str, ...]) -> None:
    if name in above:
        raise JoinError(f"these import each other: {' <- '.join((*above, name))}")
    if name in parts:
        return
    text = read(name)
    lines = []
    for line in _code(text):
        if found := IMPORT.fullmatch(line):
            _add(found["module"], read, parts, owners, (*above, name))
            _require_exported(name, found, read)
        elif found := ASSET.fullmatch(line):
            _own(found["name"], name, owners)
            lines.append(_asset(found, read))
        elif re.match(r"import\b|export (default|\{|\*)", line):
            raise JoinError(f"{name}: this cannot be joined: {line}")
        else:
            lines.append(line.removeprefix("export "))
    for declared in DECLARED.findall(text):
        _own(declared, name, owners)
    parts[name] = "".join(f"{line}\n" for line in lines)


def _code(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("//"))


def _own(declared: str, name: str, owners: dict[str, str]) -> None:
    if owners.setdefault(declared, name) != name:
        raise JoinError(f"{declared} is a name in {owners[declared]} and in {name}")


def _require_exported(name: str, found: re.Match[str], read: Read) -> None:
    exported = re.findall(
        r"^export (?:async )?(?:const|let|class|function\*?) (\w+)", read(found["module"]), re.MULTILINE
    )
    missing = {wanted.strip() for wanted in found["names"].split(",")} - set(exported)
    if missing:
        raise JoinError(f"{name} imports {', '.join(sorted(missing))}, which {found['module']} does not export")


def _asset(found: re.Match[str], read: Read) -> str:
    text = read(found["file"])
    if found["kind"] == "json":
        return f"const {found['name']} = {json.dumps(json.loads(text), ensure_ascii=False, separators=(',', ':'))};"
    style = "".join(line.strip() for line in re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).splitlines())
    style = re.sub(r"\s*([{};])\s*", r"\1", style).replace(": ", ":")
    return f"const {found['name']} = new CSSStyleSheet();\n{found['name']}.replaceSync({json.dumps(style)});"
