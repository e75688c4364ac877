"""A list's entries as people write them into a file or a field: one on each line.

Behind tabs stand the exceptions of an entry. Empty lines, and what follows `#` at the beginning of a line, say nothing.
"""

from service.triage.lists.entry import Entry


def read(text: str) -> list[tuple[int, Entry]]:
    """The entries, each with the number of its line; the first line is 1. They may hold mistakes."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        value, *exceptions = (part.strip() for part in line.split("\t"))
        if value and not value.startswith("#"):
            found.append((number, Entry(value, tuple(filter(None, exceptions)))))
    return found
