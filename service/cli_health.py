"""`gatepost health`, which must cost little: the image runs it every half minute, in the memory that the service has.

`__main__` calls it before there is a command line, for what is plainly said; whatever else is asked, `cli` understands.
"""

import sys
from getopt import GetoptError, getopt
from pathlib import Path

from service import ask_health, sources
from service.sources import SettingsError

WRONG, MISUSED = 1, 2


def status_for(words: list[str]) -> int | None:
    """Do what `gatepost health` with these words behind it asks; the exit status. None: let `cli` read the words."""
    try:
        options, rest = getopt(words, "c:", ["config=", "url="])
    except GetoptError:
        return None
    if rest:
        return None
    given = {name.lstrip("-")[0]: text for name, text in options}
    try:
        return run(Path(given["c"]) if "c" in given else None, given.get("u"))
    except SettingsError as mistakes:
        sys.stderr.write(f"{mistakes}\n")
        return MISUSED


def run(config: Path | None, url: str | None) -> int:
    """Ask the service at `url`, else the configured one; print a line for all that is not fine; return the exit status.

    Raises SettingsError.
    """
    answer = ask_health.ask(url or _address(config))
    for line in answer.lines:
        (sys.stdout if answer.ready else sys.stderr).write(f"{line}\n")
    return 0 if answer.ready else WRONG


def _address(config: Path | None) -> str:
    place = sources.where_it_listens(config)
    if place is None:
        from service import settings  # it says what is wrong, or understands what is written in another way

        server = settings.load(config).server
        place = server.host, server.port
    return ask_health.address_of(*place)
