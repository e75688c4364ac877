"""Files that were made to do harm, or are broken: one clear line that names the file, within bounds of memory and time.

Each is read in a process of its own, which has 20 seconds and may open no connection; its memory is looked at.
"""

import gzip
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import pytest

from service.transfer import zstd
from service.transfer.bodies import to_markdown
from service.transfer.formats import recognised
from service.transfer.imported import BodyFormat
from service.transfer.opened import Source, SourceError
from tests.transfer import exports

MEGABYTE: Final = 1024 * 1024
MEMORY_BYTES: Final = 300 * MEGABYTE

# Reads the file as an import does and prints what went wrong. After 20 seconds of processor time it is killed; whoever
# touches a socket ends it. Its largest memory is `VmHWM` (proc(5)): `ru_maxrss` begins with that of the process which
# started it, so that a large runner of tests would be measured instead.
READER: Final = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
sys.addaudithook(lambda event, given: sys.exit("network: " + event) if event.startswith("socket.") else None)
from pathlib import Path
from service.transfer.formats import recognised
from service.transfer.opened import Source, SourceError
comments = 0
try:
    source = Source([Path(name) for name in sys.argv[1:]])
    for found in recognised(source).read(source):
        comments += hasattr(found, "body")
except SourceError as error:
    print(error)
print(comments, Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def outcome(*paths: Path) -> str:
    """The line that reading these files ends with; fails where that takes too much."""
    ran = subprocess.run(
        [sys.executable, "-c", READER, *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    *lines, last = ran.stdout.splitlines()
    assert int(last.split()[1]) * 1024 < MEMORY_BYTES
    assert len(lines) == 1, lines
    return lines[0]


def repeated(path: Path, before: bytes, piece: bytes, times: int, after: bytes) -> Path:
    """A large file that is never in memory."""
    with path.open("wb") as file:
        _write(file, before, piece, times, after)
    return path


def _write(file: BinaryIO | gzip.GzipFile, before: bytes, piece: bytes, times: int, after: bytes) -> None:
    file.write(before)
    for _ in range(times):
        file.write(piece)
    file.write(after)


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE rss [<!ENTITY l0 "lol">{entities}]><rss><channel>&l11;</channel></rss>'.encode()


LONG: Final = b'<!DOCTYPE rss [<!ENTITY a "' + b"a" * 50_000 + b'">]><rss>' + b"&a;" * 50_000 + b"</rss>"
XML: Final = {
    "entities in entities": _laughs(),
    "one long entity many times": LONG,
    "a file of this machine": b'<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss>&a;</rss>',
    "an address": b'<!DOCTYPE rss SYSTEM "http://192.0.2.1/x.dtd"><rss><channel/></rss>',
    "entities of another file": b'<!DOCTYPE rss [<!ENTITY % a SYSTEM "http://192.0.2.1/x.dtd"> %a;]><rss/>',
}


@pytest.mark.parametrize("content", XML.values(), ids=XML)
def test_xml_that_declares_anything_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "file, line 1: declares a document type or entities" in outcome(exports.put(tmp_path / "file", content))


WHOLE: Final = exports.wxr(exports.wxr_comment(1, 0, "1", "x"))
LINE: Final = b'{"_id":"a","nick":"","url":"/","comment":"x","created":1389720732}\n'
BROKEN: Final[dict[str, tuple[bytes, str]]] = {
    "cut off in an element": (WHOLE[:-60], "file, line 5: ends in the middle"),
    "not XML": (b"<rss><channel></rss>", "file, line 1: is not XML (mismatched tag)"),
    "not UTF-8": (WHOLE.replace(b"First", b"\xff"), "line 2: is not XML"),
    "UTF-16": ("<rss></rss>".encode("utf-16"), "file: is written in UTF-16: make it UTF-8"),
    "an encoding that is none": (
        b'<?xml version="1.0" encoding="klingon"?><rss/>',
        "klingon: make it UTF-8",
    ),
    "deep": (b"<rss>" + b"<a>" * 100_000, "file, line 1: nests too deeply"),
    "wide": (b"<rss><item>" + b"".join(b"<a%d>x</a%d>" % (n, n) for n in range(5_000)), "has too many fields"),
    "nothing": (b"", "file: is no export of a system that is known here"),
    "zeros": (b"\0" * 1000, "file: is no export"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + b"\xff" * 1000, "file: is no export"),
    "JSON cut off": (b'{"version": 1, "comments": [{"commentHex": "a", "url": "/"', "near line 1: ends in the middle"),
    "JSON lines cut off": (LINE + LINE[:-9], "line 2: ends in the middle"),
    "JSON with a hole": (b'{"version": 1, "comments": [{]}', "near line 1: is not JSON in UTF-8"),
    "a gzip cut off": (gzip.compress(WHOLE)[:-20], "file: is damaged or cut off"),
    "a gzip of noise": (b"\x1f\x8b" + b"\x07" * 100, "file: is damaged or cut off"),
    "a zstd of noise": (b"\x28\xb5\x2f\xfd" + b"\x07" * 100, "file: is damaged or cut off"),
    "a zstd that wants much memory": (b"\x28\xb5\x2f\xfd\x00\xff" + b"\x01" * 100, "file: is damaged or cut off"),
    "a zip cut off": (b"PK\x03\x04" + b"\0" * 40, "file: is damaged or cut off"),
    "a database that is none": (b"SQLite format 3\0" + b"\x07" * 4096, "file: is no SQLite database that can be read"),
}


@pytest.mark.parametrize(("content", "said"), BROKEN.values(), ids=BROKEN)
def test_broken_file_is_named_and_so_is_what_to_do(tmp_path: Path, content: bytes, said: str) -> None:
    exports.put(tmp_path / "file", content)
    with pytest.raises(SourceError) as raised:
        _read(tmp_path / "file")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def _read(path: Path) -> None:
    source = Source([path])
    for _ in recognised(source).read(source):
        pass


def test_deep_json_ends_with_one_line(tmp_path: Path) -> None:
    whole = b'{"version": 1, "comments": [{"a": ' + b"[" * 50 * MEGABYTE
    assert "object 1: nests too deeply" in outcome(exports.put(tmp_path / "file", whole))


def test_wide_json_ends_with_one_line(tmp_path: Path) -> None:
    file = repeated(tmp_path / "file", b'{"version": 1, "comments": [{"a": [', b"{},[]," * 10_000, 1_000, b"")
    assert "object 1: holds too much" in outcome(file)


GIGABYTE: Final = {
    "XML text": (b"<rss><channel><item><title>", b"a", "one record is too long"),
    "XML tag": (b"<rss><channel><", b"a", "one value of more than 8 MB"),
    "XML attribute": (b'<rss><channel><item a="', b"a", "one value of more than 8 MB"),
    "XML comment": (b"<rss><channel><!--", b"a", "one value of more than 8 MB"),
    "JSON text": (b'{"version": 1, "comments": [{"markdown": "', b"a", "one value of more than 8 MB"),
    "JSON number": (b'{"version": 1, "comments": [{"score": 1', b"1", "one value of more than 8 MB"),
    "JSON line": (
        b'{"_id":"a","nick":"","url":"/","comment":"x"}\n{"comment":"',
        b"a",
        "line 2: one value of more than 8 MB",
    ),
    "CSV": (b'id,pageId,by_nickname\nx,y,"', b"a", "line 2: one value of more than 8 MB"),
}


@pytest.mark.parametrize(("before", "piece", "said"), GIGABYTE.values(), ids=GIGABYTE)
def test_gigabyte_of_one_line_ends_with_one_line(tmp_path: Path, before: bytes, piece: bytes, said: str) -> None:
    """Sparse where that does: the zeros behind what was written take no room on the disk."""
    file = repeated(tmp_path / "file", before, piece * MEGABYTE, 12, b"")
    with file.open("r+b") as opened:
        opened.truncate(1024 * MEGABYTE)
    assert said in outcome(file)


def test_gzip_that_grows_without_bounds_is_refused(tmp_path: Path) -> None:
    """Of what would be fine if it were not packed: blanks between comments."""
    with gzip.open(tmp_path / "file", "wb", compresslevel=9) as packed:
        piece = b"<item>" + b" " * 10_000 + b"</item>"
        _write(packed, b"<rss><channel>", piece, 2_000, b"</channel></rss>")
    assert "file: unpacks to more than 200 times its size" in outcome(tmp_path / "file")


def test_zstd_that_grows_without_bounds_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file, zstd.packing(file) as packed:
        packed.write(b"<rss>")
        for _ in range(40):
            packed.write(b" " * MEGABYTE)
    assert "file: unpacks to more than 200 times its size" in outcome(tmp_path / "file")


def test_zip_that_grows_without_bounds_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.xml", "w") as member:
        _write(member, b"<rss>", b" " * MEGABYTE, 40, b"</rss>")  # type: ignore[arg-type]
    assert "file: unpacks to more than 200 times its size" in outcome(tmp_path / "file")


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "a/../../x", "..\\x"])
def test_zip_whose_names_lead_out_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr(name, exports.wxr(exports.wxr_comment(1, 0, "1", "x")))
    with pytest.raises(SourceError, match="file: a name in it leads out of it"):
        Source([tmp_path / "file"])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_zip_of_very_many_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        for number in range(1_001):
            archive.writestr(str(number), b"")
    with pytest.raises(SourceError, match="file: holds 1001 files"):
        Source([tmp_path / "file"])


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda path: path.mkdir(), "is a folder: name the files in it"),
        (lambda path: path.symlink_to("/dev/zero"), "is no file"),
        (lambda path: None, "cannot be read (No such file or directory)"),
    ],
)
def test_what_is_no_file_is_named(tmp_path: Path, made: Callable[[Path], None], said: str) -> None:
    made(tmp_path / "file")
    with pytest.raises(SourceError) as raised:
        Source([tmp_path / "file"])
    assert said in str(raised.value)


def test_database_whose_tables_are_views_is_not_run(tmp_path: Path) -> None:
    """A view is a program of whoever made the file: this one would count for ever."""
    with sqlite3.connect(tmp_path / "file") as connection:
        connection.executescript(
            "CREATE TABLE threads (id, uri, title);"
            "CREATE VIEW comments AS WITH RECURSIVE n(tid) AS (SELECT 1 UNION ALL SELECT tid + 1 FROM n)"
            " SELECT tid, tid AS id, 1 AS mode FROM n;"
        )
    connection.close()
    with pytest.raises(SourceError, match="is no export of a system that is known here"):
        recognised(Source([tmp_path / "file"]))


PIECES: Final = (
    "<b>",
    "<li>",
    "<pre>",
    "<!--",
    "[code]",
    "<a href='x'>",
    " \n",
    "    ",
    "http://a.b/(",
    "&amp;",
    "`",
    "```a\n",
    "![",
)


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("times", [900, 9_000])
@pytest.mark.parametrize("body_format", BodyFormat)
def test_body_of_very_many_marks_keeps_its_words(piece: str, times: int, body_format: BodyFormat) -> None:
    assert to_markdown(piece * times + "end", body_format).endswith("end")
