"""Makes readers' words inert: plain text that says the same and means nothing to any mail program or chat.

A notice ends in a hundred kinds of target, each with a mark-up of its own (HTML, Markdown, Slack's, Telegram's), and
each turns other things into mentions and links. Escaping for each would be a hundred places to be wrong in. So every
character that some target gives a meaning to is written as one that looks like it and has none; addresses are
written as `https[:]//example[.]org`, as is usual where nobody should click. What comes out is the same in all formats.
"""

import re
from typing import Final

from service.text import visible

# By the characters that mark-up is made of: what opens a tag, an entity, a mention, a link, emphasis, code, a heading,
# a table, a spoiler, an escape. Their wide and small forms are taken for them in places (a wide @ mentions as well).
_LOOK_ALIKES: Final = str.maketrans(
    {
        **dict.fromkeys("<\uff1c\ufe64", "\u2039"),
        **dict.fromkeys(">\uff1e\ufe65", "\u203a"),
        **dict.fromkeys("&\ufe60", "\uff06"),
        **dict.fromkeys("@\uff20\ufe6b", "(at)"),
        **dict.fromkeys("[\uff3b", "("),
        **dict.fromkeys("]\uff3d", ")"),
        **dict.fromkeys("*\uff0a\ufe61", "\u2217"),
        **dict.fromkeys("_\uff3f", "\u02cd"),
        **dict.fromkeys("~\uff5e", "\u223c"),
        **dict.fromkeys("`\uff40", "'"),
        **dict.fromkeys("#\uff03\ufe5f", "\u266f"),
        **dict.fromkeys("|\uff5c", "\u00a6"),
        **dict.fromkeys("\\\uff3c\ufe68", "\u2216"),
        **dict.fromkeys("{\uff5b\ufe5b", "("),
        **dict.fromkeys("}\uff5d\ufe5c", ")"),
    }
)
_DOT: Final = re.compile(r"(?<=[^\s.])(?:\.(?=[^\W\d_]|\d+\.)|[\u2024\u3002\uff0e\uff61\ufe52](?=[0-9A-Za-z]))")
"""A dot that may stand within the name of a host: programs make links of bare names as well."""
_COLON: Final = re.compile(r"[:\uff1a\ufe55](?=[/\u2044\u2215\uff0f])|(?<=[A-Za-z])[:\uff1a\ufe55](?=\w)")
"""One that may stand behind the scheme of an address."""
_COMMAND: Final = re.compile(r"(?<![\w/\]])/(?=\w)")
"""In some chats a word behind a slash is a command that a tap sends."""


def inert(text: str, *, most: int | None = None) -> str:
    """`text` as one line without mark-up, mentions and links; of a longer one the first `most` characters."""
    line = visible.clean_line(text)
    if most is not None and len(line) > most:
        line = line[:most].rstrip() + "\u2026"
    line = line.translate(_LOOK_ALIKES)
    return _COMMAND.sub("\u2215", _COLON.sub("[:]", _DOT.sub("[.]", line)))
