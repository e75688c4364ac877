"""Can scheduled backups be written where they should be, is there room for one more, is the newest sound and new?"""

import os
import shutil
import tempfile
from pathlib import Path

from service.checkup.finding import Finding, fail, ok, warn
from service.model import Clock, Milliseconds
from service.settings import Settings
from service.store import backup
from service.store.sqlite import path_of

SUBJECT = "backup"
MEGABYTE = 1_000_000
HOUR: Milliseconds = 3_600_000


def examine(settings: Settings, *, clock: Clock) -> list[Finding]:
    """Make a file in the folder, as a backup would, and remove it. Nothing where backups are off."""
    if settings.backup.directory is None:
        return []
    folder = Path(settings.backup.directory).absolute()
    there = folder.exists()
    try:
        # A first backup makes the folder where its parent is there, and nothing deeper: that is what is tried.
        with tempfile.NamedTemporaryFile(dir=folder if there else folder.parent, prefix="gatepost-check-"):
            pass
    except OSError as error:
        where = folder if there or folder.parent.exists() else folder.parent
        text = f"{folder} cannot be written ({error.strerror}; this process is user {os.geteuid()})"
        return [fail(SUBJECT, text, _fix(where, error))]
    found = [_room(settings, folder if there else folder.parent, folder)]
    newest = next(iter(backup.in_folder(folder)), None)
    if newest is not None and newest.is_suspect:
        fix = "run `gatepost db verify`: it tells what is different; keep the last sound backup until that is mended"
        found.append(warn(SUBJECT, f"the newest, {newest.path.name}, is suspect: the database has differences", fix))
    if newest is not None and (old := (clock() - newest.made_at) // HOUR) >= 2 * settings.backup.every_hours:
        text = f"the newest, {newest.path.name}, is {old:,} hours old; one is made every {settings.backup.every_hours}"
        fix = "see that the service runs, and what its log says of backups (job.failed, backup.failed)"
        found.append(warn(SUBJECT, text, fix))
    return found


def _fix(where: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"make {where}, or correct backup.directory (in a container: a folder on a volume)"
    if isinstance(error, NotADirectoryError | FileExistsError):
        return "set backup.directory to a folder, not to a file"
    return f"let user {os.geteuid()} write there, or set backup.directory to a folder that it may write"


def _room(settings: Settings, existing: Path, folder: Path) -> Finding:
    """Whether as much is free as the database is large: a backup is about as large. PostgreSQL's size is not known."""
    free = shutil.disk_usage(existing).free
    name = str(folder) if existing == folder else f"{folder} (made by the first backup)"
    text = f"can be written to {name}, {free // MEGABYTE:,} MB free"
    if settings.database.url.startswith("sqlite:"):
        path = path_of(settings.database.url).absolute()
        needed = path.stat().st_size if path.is_file() else 0
        if needed > free:
            fix = "free some, lower backup.keep, or move backup.directory to a larger disk"
            return warn(SUBJECT, f"{text}, and the next one needs about {needed // MEGABYTE:,} MB", fix)
    return ok(SUBJECT, text)
