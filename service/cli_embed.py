"""`gatepost embed`: the lines that put comments on a page, and an own copy of the script. A part of `cli`."""

from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from service.terminal import MISUSED, Config, only_site, stop

ELEMENT = """<gatepost-comments site="{site}" post="THE-POSTS-KEY"{more}></gatepost-comments>"""


def embed(
    site: Annotated[str | None, typer.Option(help="The site that the tag is for. Else: the only one.")] = None,
    copy: Annotated[
        Path | None, typer.Option(help="A folder of the blog to write an own copy to. It is made if it is not there.")
    ] = None,
    config: Config = None,
) -> None:
    """Print the tag that puts comments on a page, with the integrity of this version's script."""
    from service import settings as configuration
    from service.embed.bundle import SCRIPT, bundle

    settings = configuration.load(config)
    key = only_site(settings, site).key if site or settings.sites else "YOUR-SITE"
    service, files = settings.server.address, bundle()
    script = files.files[SCRIPT]
    if copy is None:
        source, more = f"{service}/embed/v1/{files.pin}/{SCRIPT}", ""
    else:
        _write(copy)
        source, more = SCRIPT, f' service="{escape(service)}/"'
    typer.echo(
        f'<script type="module" src="{escape(source)}"\n'
        f'  integrity="{script.integrity}" crossorigin></script>\n' + ELEMENT.format(site=key, more=more)
    )
    if copy is not None:
        typer.echo(f"Written to {copy}. Put the address under which the blog serves it into `src`.", err=True)
    else:
        typer.echo(
            f"The address is this version's alone: print it anew after every upgrade of Gatepost. "
            f"{service}/embed/v1/{SCRIPT} (without `integrity`) always is the newest.",
            err=True,
        )


def _write(folder: Path) -> None:
    """All files of the copy, first aside and then into their places: pages load what is there meanwhile."""
    from service.embed.bundle import bundle

    files = bundle().files
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix="gatepost-") as aside:
            for name, file in files.items():
                Path(aside, name).write_bytes(file.body)
            for name in files:
                Path(aside, name).replace(folder / name)
    except OSError as error:
        stop(f"{folder} cannot be written ({error.strerror}): name another folder", status=MISUSED)
