"""Markdown of other systems to Gatepost's, which shows no pictures and takes no HTML. `bodies` calls this."""

import re
from typing import Final

# Code, in which nothing is changed: fences, spans, lines that are indented.
_CODE: Final = re.compile(
    r"^(?P<fence>`{3,}(?![^\n]*`)|~{3,}(?!~))"
    r"|(?<!`)(?P<tick>`+)(?!`)[^`]+(?P=tick)"
    r"|^(?: {4}|\t)[^\n]*$",
    re.MULTILINE,
)
_PICTURE: Final = re.compile(r"(?<!\\)!\[(?P<words>[^\[\]\n]*)\]\((?P<address>[^\s()]+)(?:[ \t]+\"[^\"\n]*\")?\)")
_TAG: Final = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9]*)(?P<attributes>(?:\s[^<>]*)?)/?>")
_ATTRIBUTE: Final = re.compile(r"\b(src|href|alt)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_HTTP: Final = re.compile(r"https?://[^\s<>()]+", re.IGNORECASE)
_MARKS: Final = {
    **dict.fromkeys(("b", "strong"), "**"),
    **dict.fromkeys(("i", "em"), "*"),
    **dict.fromkeys(("br",), "  \n"),
    **dict.fromkeys(("p", "div", "center"), "\n\n"),
    **dict.fromkeys(("span", "font", "u", "ins", "del", "s", "small", "big", "sub", "sup", "mark"), ""),
}


def to_markdown(body: str) -> str:
    """The same with links for pictures, and Markdown for the tags that people write into it. Other tags stay text."""
    if "<" not in body and "![" not in body:
        return body
    pieces: list[str] = []
    done = 0
    while code := _CODE.search(body, done):
        end = _end_of_fence(body, code.end(), code["fence"]) if code["fence"] else code.end()
        pieces += _changed(body[done : code.start()]), body[code.start() : end]
        done = end
    return "".join((*pieces, _changed(body[done:])))


def _end_of_fence(body: str, begin: int, fence: str) -> int:
    """Where the line that closes it ends. One that nothing closes goes on to the end, so nobody looks twice."""
    closing = re.compile(rf"^{fence}[`~]*[ \t]*$", re.MULTILINE).search(body, begin)
    return closing.end() if closing else len(body)


def _changed(text: str) -> str:
    text = _PICTURE.sub(lambda found: _link(found["words"], found["address"]), text)
    address = ""

    def changed(tag: re.Match[str]) -> str:
        nonlocal address
        name = tag["name"].lower()
        said = {
            found[1].lower(): found[2] or found[3] or found[4] or "" for found in _ATTRIBUTE.finditer(tag["attributes"])
        }
        if name == "img" and not tag["end"]:
            return _link(said.get("alt", ""), said.get("src", ""))
        if name == "a":
            before, address = address, "" if tag["end"] else said.get("href", "")
            if not tag["end"]:
                return "[" if _HTTP.fullmatch(address) else ""
            return f"]({before})" if _HTTP.fullmatch(before) else ""
        return _MARKS.get(name, tag[0])

    return _TAG.sub(changed, text)


def _link(words: str, address: str) -> str:
    if not _HTTP.fullmatch(address):
        return words
    return f"[{words}]({address})" if words.strip() else f"<{address}>"
