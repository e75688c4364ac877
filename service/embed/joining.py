"""Joins the embed's ES modules into one script: integrity of a module does not cover what it imports.

It is no bundler. It puts the files one behind the other, in the order in which they need each other, without their
`import` and `export` words, without comments and without the white space that only people need. For that the source
keeps some rules, and JoinError is raised where one is broken:

- an import stands on one line and renames nothing; it names modules, JSON or a style sheet of the same folder;
- no two modules have the same name at their top level;
- a comment stands on lines of its own;
- statements end with a semicolon, and there are no braces in the `${...}` of a template;
- a style sheet has no strings.

A part of a script that is loaded later (`join_part`) does not bring what the page has already. It is a function that
takes that.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parent / "source"
IMPORT: Final = re.compile(r'import \{ (?P<names>\w+(?:, \w+)*) \} from "\./(?P<module>[\w-]+\.js)";')
ASSET: Final = re.compile(
    r'import (?P<name>\w+) from "\./(?P<file>[\w/-]+\.(?P<kind>json|css))" with \{ type: "\w+" \};'
)
_DECLARES: Final = r"(?:async )?(?:const|let|class|function\*?) (\w+)"
DECLARED: Final = re.compile(rf"^(?:export )?{_DECLARES}", re.MULTILINE)
EXPORTED: Final = re.compile(rf"^export {_DECLARES}", re.MULTILINE)
SHARED: Final = re.compile(r"^export const SHARED = \{ (.*) \};$", re.MULTILINE)
TOKEN: Final = re.compile(
    r"""(?P<kept>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|(?P<template>`(?:[^`\\]|\\.)*`)"""
    r"""|(?:(?<=[(,=:?&|!>])|(?<=[(,=:?&|!>] )|(?<=return ))/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^]\\\n]|\\.)*])+/[a-z]*)"""
    r"""|\s*;\s*(?P<end>})\s*|\s*(?P<sign>[][{}(),;:?=<>&|*!])\s*"""
)
"""A string, a template or a regular expression; or a sign that needs no white space around it."""

Read = Callable[[str], str]


class JoinError(Exception):
    """The source breaks a rule of this file."""


def read_source(name: str) -> str:
    """A file of the source, by its path below the folder."""
    return (SOURCE / name).read_text("utf-8")


def join(entry: str, read: Read = read_source) -> str:
    """One script of the module `entry` and all that it imports. `read` finds a file's text. Raises JoinError."""
    return _squeezed(_joined(modules(entry, read), read, {}))


def join_part(entry: str, whole: str, read: Read = read_source) -> str:
    """The module `entry` and what it imports that the script `whole` has not, as a module that exports `start`.

    `start` takes what both use (`SHARED` in `shared.js`) and returns what `entry` exports as `PART`. Raises JoinError.
    """
    given = set(modules(whole, read))
    names = [name for name in modules(entry, read) if name not in given]
    found = SHARED.search(read("shared.js"))
    shared = found[1].split(", ") if found else []
    wanted = {
        wanted
        for name in names
        for line in _code(read(name))
        if (found := IMPORT.fullmatch(line)) and found["module"] in given
        for wanted in found["names"].split(", ")
    }
    if missing := wanted - set(shared):
        raise JoinError(f"shared.js does not share {', '.join(sorted(missing))}")
    body = _joined(names, read, dict.fromkeys(shared, "shared.js"))
    return _squeezed(f"export const start = ({{ {', '.join(shared)} }}) => {{\n{body}return PART;\n}};\n")


def modules(entry: str, read: Read = read_source) -> list[str]:
    """The module `entry` and what it imports, each behind what it needs. Raises JoinError."""
    found: list[str] = []
    _find(entry, read, found, ())
    return found


def _find(name: str, read: Read, found: list[str], above: tuple[str, ...]) -> None:
    if name in above:
        raise JoinError(f"these import each other: {' <- '.join((*above, name))}")
    if name in found:
        return
    for line in _code(read(name)):
        if needed := IMPORT.fullmatch(line):
            _find(needed["module"], read, found, (*above, name))
            _require_exported(name, needed, read)
    found.append(name)


def _joined(names: Collection[str], read: Read, owners: dict[str, str]) -> str:
    lines: list[str] = []
    for name in names:
        text = read(name)
        for line in _code(text):
            if IMPORT.fullmatch(line):
                continue
            if found := ASSET.fullmatch(line):
                _own(found["name"], name, owners)
                lines.append(_asset(found, read))
            elif re.match(r"import\b|export (default|\{|\*)", line):
                raise JoinError(f"{name}: this cannot be joined: {line}")
            else:
                lines.append(line.removeprefix("export "))
        for declared in DECLARED.findall(text):
            _own(declared, name, owners)
    return "".join(f"{line}\n" for line in lines)


def _code(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("//"))


def _own(declared: str, name: str, owners: dict[str, str]) -> None:
    if owners.setdefault(declared, name) != name:
        raise JoinError(f"{declared} is a name in {owners[declared]} and in {name}")


def _require_exported(name: str, found: re.Match[str], read: Read) -> None:
    missing = set(found["names"].split(", ")) - set(EXPORTED.findall(read(found["module"])))
    if missing:
        raise JoinError(f"{name} imports {', '.join(sorted(missing))}, which {found['module']} does not export")


def _asset(found: re.Match[str], read: Read) -> str:
    text = read(found["file"])
    if found["kind"] == "json":
        return f"const {found['name']} = {json.dumps(json.loads(text), ensure_ascii=False, separators=(',', ':'))};"
    style = "".join(line.strip() for line in re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).splitlines())
    style = re.sub(r";?\s*([{};,>])\s*", r"\1", style).replace(": ", ":")
    return f"const {found['name']} = new CSSStyleSheet();\n{found['name']}.replaceSync({json.dumps(style)});"


def _squeezed(text: str) -> str:
    # What follows would be a part of the comment: the script is one line.
    if found := re.search("//.*", TOKEN.sub(lambda token: "" if token["kept"] else token[0], text)):
        raise JoinError(f"a comment stands on lines of its own: {found[0]}")

    def squeeze(token: re.Match[str]) -> str:
        if token["template"] and "${" in re.sub(r"\$\{[^{}`]*\}", "", token["template"]):
            raise JoinError(f"braces in the braces of a template: {token['template']}")
        return token["kept"] or token["end"] or token["sign"]

    return TOKEN.sub(squeeze, text).strip() + "\n"
