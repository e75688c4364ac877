"""What the machine does to an import: names of files that are no text, a disk without room. Each ends with one line."""

from pathlib import Path

import pytest

from service.store import staged
from service.store.engine import StoreError
from service.transfer.opened import Source, SourceError
from tests.transfer import exports
from tests.transfer.bringing import comment, read_onto

LATIN = "caf\udce9.xml"
"""As Python reads a name in Latin-1."""


def test_a_file_whose_name_is_no_text_is_named_as_far_as_it_can_be(tmp_path: Path) -> None:
    whole = exports.wxr(exports.wxr_comment(1, 0, "1", "x"))
    assert Source([exports.put(tmp_path / LATIN, whole)]).parts[0].name == "caf\ufffd.xml"
    with pytest.raises(SourceError, match="caf\ufffd\\.zip: cannot be read"):
        Source([tmp_path / LATIN.replace("xml", "zip")])


def test_a_disk_without_room_for_the_stage_is_said_in_one_line() -> None:
    with pytest.raises(StoreError, match=r"no room .* \(database or disk is full\).* TMPDIR"):
        read_with_little_room()


def read_with_little_room() -> None:
    """A stage of some pages, for more than they hold."""
    with staged.opened() as stage:
        stage._run("PRAGMA max_page_count = 20")
        read_onto(stage, (comment(number, body="x" * 5_000) for number in range(300)))
