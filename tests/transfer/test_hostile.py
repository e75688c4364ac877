"""Files that were made to do harm, or are broken: one clear line that names the file, within bounds of memory and time.

Each is read in a process of its own, which has 20 seconds and may open no connection; its memory is looked at.
"""

import gzip
import io
import json
import os
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import pytest

from service.store import staged
from service.store.snapshot import Watch
from service.transfer import bringing, zstd
from service.transfer.bodies import to_markdown
from service.transfer.formats import recognised
from service.transfer.imported import BodyFormat
from service.transfer.opened import Source, SourceError
from service.transfer.reading import Wanted
from service.transfer.report import MOST_KINDS, Report
from tests.forked import Forked, forked
from tests.transfer import exports
from tests.transfer.bringing import SITE

MEGABYTE: Final = 1024 * 1024
MEMORY_BYTES: Final = 300 * MEGABYTE

# Reads the file as an import does, texts and all, and prints what went wrong. After 20 seconds of processor time it is
# killed; whoever touches a socket ends it. Its largest memory is `VmHWM` (proc(5)): `ru_maxrss` begins with that of the
# process which started it, so that a large runner of tests would be measured instead.
READER: Final = """
import json, resource, sys
from pathlib import Path
from service.store import staged
from service.store.snapshot import Watch
from service.transfer import bringing
from service.transfer.formats import recognised
from service.transfer.opened import Source, SourceError
from service.transfer.reading import Wanted
from service.transfer.report import Report
from tests.transfer.bringing import SITE
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
sys.addaudithook(lambda event, given: sys.exit("network: " + event) if event.startswith("socket.") else None)
error, report = None, Report(site="blog")
try:
    source = Source([Path(name) for name in sys.argv[1:]])
    with staged.opened() as stage:
        bringing.prepare(source, recognised(source), Wanted(SITE), stage, report, Watch(), batch="a-batch")
except SourceError as found:
    error = str(found)
memory = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
print(json.dumps({"error": error, "memory": memory, **report.as_json()}))
"""


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    """The reader, in a fresh process for each reading."""
    with forked(READER, tmp_path_factory.mktemp("reader"), os.environ) as ready:
        yield ready


def read_apart(reader: Forked, *paths: Path) -> dict[str, Any]:
    """What the reader says of these files; fails where that takes too much."""
    ran = reader.run(*map(str, paths))
    assert ran.returncode == 0, ran.stderr[-2000:]
    found: dict[str, Any] = json.loads(ran.stdout)
    assert found["memory"] * 1024 < MEMORY_BYTES
    return found


def outcome(reader: Forked, *paths: Path) -> str:
    """The line that reading these files ends with; fails where that takes too much."""
    said = read_apart(reader, *paths)["error"]
    assert said is not None
    assert "\n" not in said
    return str(said)


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
def test_xml_that_declares_anything_is_refused(reader: Forked, tmp_path: Path, content: bytes) -> None:
    file = exports.put(tmp_path / "file", content)
    assert "file, line 1: declares a document type or entities" in outcome(reader, file)


LINE: Final = b'{"_id":"a","nick":"","url":"/","comment":"x","created":1389720732}\n'


def zipped(name: str = "x.json", method: int = zipfile.ZIP_DEFLATED, **changes: bytes) -> bytes:
    """An archive of one file. `changes` write over it: `at_70` from byte 70 on."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), LINE * 500, compress_type=method)
    whole = bytearray(made.getvalue())
    for place, there in changes.items():
        start = int(place.removeprefix("at_"))
        whole[start : start + len(there)] = there
    return bytes(whole)


def far_away() -> bytes:
    """An archive whose file begins behind the end of all files (in the field of ZIP64, 4.5.3)."""
    whole = zipped("x" * 8)
    directory, end = whole.rindex(b"PK\x01\x02"), whole.rindex(b"PK\x05\x06")
    entry = bytearray(whole[directory:end])
    entry[30:32], entry[42:46] = struct.pack("<H", 12), b"\xff" * 4
    entry += struct.pack("<HHQ", 1, 8, 2**64 - 1)
    last = bytearray(whole[end:])
    last[12:16] = struct.pack("<I", len(entry))
    return whole[:directory] + bytes(entry + last)


WHOLE: Final = exports.wxr(exports.wxr_comment(1, 0, "1", "x"))
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
    "a zip of noise in LZMA": (
        zipped(method=zipfile.ZIP_LZMA, at_70=b"\xff" * 20),
        "file/x.json: is damaged or cut off",
    ),
    "a zip of a file without a name": (zipped(""), "file: a file in it has no name"),
    "a zip of a file that is its folder": (zipped("."), "file: a file in it has no name"),
    "a zip with two names for a file": (zipped(at_6=b"\0\x08", at_30=b"\xff" * 6), "file/x.json: cannot be opened"),
    "a zip of a file that is nowhere": (far_away(), "file/xxxxxxxx: cannot be opened"),
    "a zip that writes on the terminal": (
        zipped("\x1b]0;a\x07.json", zipfile.ZIP_LZMA, at_80=b"\xff" * 20),
        "file/\ufffd]0;a\ufffd.json: is damaged or cut off",
    ),
    "an export of a later release": (
        b'{"format":"gatepost","version":2,"site":"x","people":false,"counts":{},"digest":"x"}\n',
        "file, line 1: is of another version than this release reads (1)",
    ),
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


def _nested(name: str, depth: int) -> bytes:
    return b'{"%s":' % name.encode() * depth + b"1" + b"}" * depth


def _gatepost(**changes: Any) -> tuple[bytes, str]:
    """An export without people: a good comment, and one that is changed."""
    header = {"format": "gatepost", "version": 1, "site": "x", "people": False, "counts": {}, "digest": "x"}
    good: dict[str, Any] = dict.fromkeys(("parent", "bio", "url", "avatar", "edited_at", "anchor", "post_title"))
    good |= dict.fromkeys(("post_url", "edit", "original"))
    good |= dict.fromkeys(("author", "created_at", "published_at", "shown_at", "version", "text_version"), 1)
    good |= {"id": "01900000-0000-7000-8000-000000000001", "post": "/", "name": "A", "status": "approved", "body": "x"}
    good |= {"by_rule": False, "texts": [], "origins": []}
    bad = {"post": changes.pop("line")} if "line" in changes else {"comment": {**good, **changes}}
    lines = [header, {"comment": good}, bad]
    return b"".join(b"%s\n" % json.dumps(line).encode() for line in lines), "is no line of an export of Gatepost"


def _twikoo(created: bytes, said: str = "has no time that can be read") -> tuple[bytes, str]:
    return LINE + b'{"_id":"b","nick":"","url":"/","comment":"x","created":%s}\n' % created, said


BAD_RECORDS: Final[dict[str, tuple[bytes, str]]] = {
    **{
        f"gatepost, {name} is {value!r}": _gatepost(**{name: value})
        for name, value in (
            ("id", 5),
            ("id", ["x"]),
            ("body", None),
            ("body", 5),
            ("name", 5),
            ("url", 5),
            ("post", 5),
            ("post", []),
            ("anchor", 5),
            ("parent", ["x"]),
            ("author", {}),
            ("created_at", "x"),
            ("created_at", 1.5),
            ("edited_at", 1.5),
            ("line", {"key": "/", "title": 5, "url": 6}),
            ("line", 5),
            ("x" * 99, 1),
        )
    },
    "isso, a number for comments": (
        b'[{"id":"/","title":"t","comments":[{"id":1,"created":1,"text":"x"}]},{"id":"/","comments":5}]',
        "stands in a thread whose `comments` are no array",
    ),
    "a time of 400 digits": _twikoo(b"1" + b"0" * 400),
    "a time of 400 digits before 1970": _twikoo(b"-1" + b"0" * 400),
    "a deep time": _twikoo(_nested("$date", 900), "nests too deeply"),
    "a deep flag": _twikoo(b'1,"isSpam":' + _nested("a", 600), "nests too deeply"),
    "a reference of 5000 digits": (LINE + LINE.replace(b"x", b"&#" + b"0" * 5_000 + b";").replace(b'"a"', b'"b"'), ""),
}


@pytest.mark.parametrize(("content", "said"), BAD_RECORDS.values(), ids=BAD_RECORDS)
def test_bad_record_is_left_out_and_the_others_come(tmp_path: Path, content: bytes, said: str) -> None:
    source, report = Source([exports.put(tmp_path / "file", content)]), Report()
    with staged.opened() as stage:
        bringing.prepare(source, recognised(source), Wanted(SITE), stage, report, Watch(), batch="a-batch")
    assert [said in one for one in report.said] == [True] * bool(said)
    assert report.comments == (1 if said else 2)
    assert all(len(one) < 500 for one in report.said)


def test_deep_json_ends_with_one_line(reader: Forked, tmp_path: Path) -> None:
    whole = b'{"version": 1, "comments": [{"a": ' + b"[" * 50 * MEGABYTE
    assert "object 1: nests too deeply" in outcome(reader, exports.put(tmp_path / "file", whole))


def test_wide_json_ends_with_one_line(reader: Forked, tmp_path: Path) -> None:
    file = repeated(tmp_path / "file", b'{"version": 1, "comments": [{"a": [', b"{},[]," * 10_000, 1_000, b"")
    assert "object 1: holds too much" in outcome(reader, file)


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
def test_gigabyte_of_one_line_ends_with_one_line(
    reader: Forked, tmp_path: Path, before: bytes, piece: bytes, said: str
) -> None:
    """Sparse where that does: the zeros behind what was written take no room on the disk."""
    file = repeated(tmp_path / "file", before, piece * MEGABYTE, 12, b"")
    with file.open("r+b") as opened:
        opened.truncate(1024 * MEGABYTE)
    assert said in outcome(reader, file)


def test_gzip_that_grows_without_bounds_is_refused(reader: Forked, tmp_path: Path) -> None:
    """Of what would be fine if it were not packed: blanks between comments."""
    with gzip.open(tmp_path / "file", "wb", compresslevel=9) as packed:
        piece = b"<item>" + b" " * 10_000 + b"</item>"
        _write(packed, b"<rss><channel>", piece, 2_000, b"</channel></rss>")
    assert "file: unpacks to more than 200 times its size" in outcome(reader, tmp_path / "file")


def test_zstd_that_grows_without_bounds_is_refused(reader: Forked, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file, zstd.packing(file) as packed:
        packed.write(b"<rss>")
        for _ in range(40):
            packed.write(b" " * MEGABYTE)
    assert "file: unpacks to more than 200 times its size" in outcome(reader, tmp_path / "file")


def test_zip_that_grows_without_bounds_is_refused(reader: Forked, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.xml", "w") as member:
        _write(member, b"<rss>", b" " * MEGABYTE, 40, b"</rss>")  # type: ignore[arg-type]
    assert "file: unpacks to more than 200 times its size" in outcome(reader, tmp_path / "file")


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "a/../../x", "..\\x"])
def test_zip_whose_names_lead_out_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr(name, exports.wxr(exports.wxr_comment(1, 0, "1", "x")))
    with pytest.raises(SourceError, match="file: a name in it leads out of it"):
        Source([tmp_path / "file"])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_zip_of_very_many_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        for number in range(101):
            archive.writestr(str(number), b"")
    with pytest.raises(SourceError, match="file: holds 101 files"):
        Source([tmp_path / "file"])


def test_zip_of_many_files_is_looked_at_once(reader: Forked, tmp_path: Path) -> None:
    """Where each format looked at all of them, that took minutes."""
    with zipfile.ZipFile(tmp_path / "file", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(80):
            archive.writestr(str(number), b'{"a": [' + b"1," * 8_000)
    assert "file/79: is no export of a system that is known here" in outcome(reader, tmp_path / "file")


def test_zip_of_very_many_files_is_refused_before_its_directory_is_in_memory(reader: Forked, tmp_path: Path) -> None:
    entry = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, *[0] * 7, 7, *[0] * 6) + b"a" * 7
    size = len(entry) * 400_000
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0, 0, size, 4, 0)
    file = repeated(tmp_path / "file", b"PK\x03\x04", entry, 400_000, end)
    assert outcome(reader, file) == "file: holds very many files: unpack it, and name those that are meant"


NAMES: Final = {
    "long": (b"".join(b"<" + b"a" * MEGABYTE + b">" for _ in range(24)), "a name of more than 200 characters"),
    "many": (b"".join(b"<i%d/>" % n for n in range(20_000)), "more than 10000 names of elements"),
    "many attributes": (b"".join(b'<i a%d=""/>' % n for n in range(20_000)), "one record has too many fields"),
    "long attributes": (b"".join(b'<a b%d="%s"/>' % (n, b"a" * MEGABYTE) for n in range(24)), "one record is too long"),
    "many outside": (b"</item>" + b"".join(b"<i%d/>" % n for n in range(20_000)), "more than 10000 names of elements"),
}


@pytest.mark.parametrize(("content", "said"), NAMES.values(), ids=NAMES)
def test_names_in_xml_are_bounded(reader: Forked, tmp_path: Path, content: bytes, said: str) -> None:
    assert said in outcome(reader, exports.put(tmp_path / "file", b"<rss><channel><item>" + content))


def test_threads_with_very_long_titles_are_not_kept_in_memory(reader: Forked, tmp_path: Path) -> None:
    thread = b'<thread id="%d"><link>https://x.example/%d/' + b"a" * 4_000_000 + b"</link></thread>"
    post = b'<post id="%d"><thread id="%d"/><message>x</message><createdAt>2020-01-01T00:00:00Z</createdAt></post>'
    pieces = (thread % (n, n) + post % (n, n) for n in range(80))
    with (tmp_path / "file").open("wb") as file:
        file.writelines((b"<disqus>", *pieces, b"</disqus>"))
    assert read_apart(reader, tmp_path / "file")["problems"][0]["count"] == 80


def test_kinds_of_problems_are_bounded(reader: Forked, tmp_path: Path) -> None:
    line = '{"objectId":"a%d","nick":"","comment":"x","url":"/a","status":"%d","createdAt":"2020-01-01T00:00:00Z"}\n'
    exports.put(tmp_path / "file", "".join(line % (n, n) for n in range(900)).encode())
    problems = read_apart(reader, tmp_path / "file")["problems"]
    assert len(problems) == MOST_KINDS + 1
    assert sum(problem["count"] for problem in problems) == 900


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


HTML: Final = (
    "&" + " " * 98_000 + "x",
    "&" + "\n" * 98_000 + "x",
    "<b>x</b>" + "\u00a0" * 90_000 + "x",
    "<pre>" + " " * 98_000 + "x</pre>",
    "<p><code>" + " " * 98_000 + "x</code></p>",
    "<pre>" * 990 + "x" * 94_000,
    "[code]" * 990 + "x" * 94_000,
    "<!--" * 990 + "x" * 94_000,
)


@pytest.mark.parametrize("body", HTML, ids=lambda body: ascii(body[:6]))
def test_html_takes_time_as_it_is_long(reader: Forked, tmp_path: Path, body: str) -> None:
    """Where each mark, or each blank, looked through the rest, these take minutes."""
    one = {"nick": "", "url": "/", "comment": body, "created": 1389720732}
    records = [{"_id": "first", **one, "comment": "Words"}, *({"_id": f"{n}", **one} for n in range(6))]
    exports.put(tmp_path / "file", "".join(f"{json.dumps(record)}\n" for record in records).encode())
    found = read_apart(reader, tmp_path / "file")
    left_out = sum(problem["count"] for problem in found["problems"])
    assert (found["error"], found["comments"] + left_out) == (None, 7)


@pytest.mark.parametrize("mark", ["```", "~~~"])
def test_markdown_takes_time_as_it_is_long(mark: str) -> None:
    assert to_markdown(f"<\n{mark}x" * 100_000 + "end", BodyFormat.MARKDOWN).endswith("end")
