"""The blog's own copy of the embed: is it that of this version, whole and unchanged?"""

from pathlib import Path

from service.checkup.finding import Finding, ok, warn
from service.embed.bundle import bundle


def examine(folder: Path) -> list[Finding]:
    """Compare a folder that `gatepost embed --copy` wrote with what it would write now."""
    differing = [name for name, file in bundle().files.items() if _read(folder / name) != file.body]
    if not differing:
        return [ok("embed", f"the copy in {folder} is this version's")]
    fix = f"write it anew: gatepost embed --copy {folder}, and print the tag with its new integrity"
    return [warn("embed", f"the copy in {folder} is another version's ({', '.join(differing)})", fix)]


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
