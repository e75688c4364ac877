"""Where settings come from: one TOML file and the environment, found and read, but not judged. For `settings`.

Apart from it for `gatepost health`, which needs an address and nothing else: what judges takes ten times as long to
import as the whole of that command.
"""

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from service import refusal

PREFIX = "GATEPOST_"
CONFIG_VARIABLE = "GATEPOST_CONFIG"
DEFAULT_FILE = Path("gatepost.toml")
IMAGE_FILE = Path("/etc/gatepost/gatepost.toml")
"""Where the Docker image looks. Docker makes a folder there of a file that was not there to be mounted."""
MOUNTED = (
    f"docker run --volume ./gatepost.toml:{IMAGE_FILE}:ro --volume gatepost:/data --publish 127.0.0.1:8080:8080 ..."
)
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8080
LAST_PORT = 65_535
Steps = tuple[str, ...]


class SettingsError(Exception):
    """The configuration cannot be used. Its text is one line per mistake, each with the place and the fix."""


def file_for(path: Path | None) -> Path | None:
    """The file that is meant: `path`, else `$GATEPOST_CONFIG`, else `gatepost.toml` where there is one."""
    named = path or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    return named or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)


def read(path: Path) -> dict[str, Any]:
    """What a file says. Raises SettingsError when it cannot be read or is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows editors put a byte order mark first
    except (FileNotFoundError, IsADirectoryError) as error:
        fix = (
            f"mount it there: {MOUNTED}"
            if path == IMAGE_FILE
            else f"name an existing file with --config or {CONFIG_VARIABLE}"
        )
        raise SettingsError(f"{path}: cannot be read ({error.strerror}): {fix}") from None
    except OSError as error:
        reason = f"{error.strerror}{refusal.as_whom(error)}"
        raise SettingsError(f"{path}: cannot be read ({reason}): let that user read it") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 text (byte {error.start}): save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}: correct that line, text needs quotes") from None


def variables_in(environment: Iterable[str]) -> dict[str, Steps]:
    """Every variable that claims to be a setting, and the place in the settings that its name spells.

    Names of variables hold no `-`, names of sites no `_`: `GATEPOST_SITES__MY_BLOG__NAME` is `sites.my-blog.name`.
    """
    found = {}
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() != CONFIG_VARIABLE:
            steps = name[len(PREFIX) :].lower().split("__")
            if steps[0] == "sites" and len(steps) > 1:
                steps[1] = steps[1].replace("_", "-")
            found[name] = tuple(steps)
    return found


def where_it_listens(path: Path | None) -> tuple[str, int] | None:
    """Host and port of the service that these sources configure. None where only `settings` can tell.

    Raises SettingsError like `read`.
    """
    chosen = file_for(path)
    table = (read(chosen) if chosen else {}).get("server", {})
    if not isinstance(table, dict):
        return None
    given: dict[Steps, Any] = {("server", name): value for name, value in table.items()}
    given |= {steps: os.environ[name] for name, steps in variables_in(os.environ).items()}
    host, port = given.get(("server", "host"), DEFAULT_HOST), str(given.get(("server", "port"), DEFAULT_PORT))
    if ("server",) in given or not isinstance(host, str) or not host or not (port.isascii() and port.isdecimal()):
        return None
    return (host, int(port)) if int(port) <= LAST_PORT else None
