"""Whoever watches an import hears how far it is, of how much: while it is read, and while it is written."""

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from service.store import staged
from service.store.database import Database
from service.store.snapshot import Watch
from service.transfer import bringing, formats, reading
from service.transfer.opened import Source
from service.transfer.reading import Wanted
from service.transfer.report import Report
from tests.transfer import made_up
from tests.transfer.bringing import SITE, bring, comment

COMMENTS = 1_200


def zipped(content: bytes) -> bytes:
    """The same in a zip."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export.xml", content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "made", "packed"),
    [
        ("wordpress", made_up.wordpress, bytes),
        ("wordpress", made_up.wordpress, zipped),
        ("disqus", made_up.disqus, gzip.compress),
    ],
)
def test_reading_says_how_far_it_is(
    tmp_path: Path, name: str, made: Callable[[int], Iterator[bytes]], packed: Callable[[bytes], bytes]
) -> None:
    content = b"".join(made(COMMENTS))
    (tmp_path / "export").write_bytes(packed(content))
    told, report = list[tuple[str, int, int]](), Report(site=SITE.key)
    form = next(form for form in formats.FORMATS if form.name == name)
    with staged.opened() as stage:
        watch = Watch(lambda *said: told.append(said))
        reading.read(Source([tmp_path / "export"]), form, Wanted(SITE), stage, report, watch)
    assert report.comments == COMMENTS
    assert {of_all for _, _, of_all in told} == {len(content) // 1000}
    assert len(told) > 2
    assert all(before[1] < after[1] for before, after in pairwise(told))
    assert told[-1] == ("read", len(content) // 1000, len(content) // 1000)


async def test_writing_says_how_far_it_is(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bringing, "SLICE", 40)
    told = list[tuple[str, int, int]]()
    await bring(database, [comment(number) for number in range(1, 101)], watch=Watch(lambda *said: told.append(said)))
    assert told == [("write", done, 100) for done in (0, 40, 80, 100)]
