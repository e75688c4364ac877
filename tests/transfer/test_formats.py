"""The readers: each format is recognised by what is in the files, and each says what the other system said."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Final

import pytest
import zstandard

from service.transfer.formats import FORMATS, recognised
from service.transfer.formats.record import moment
from service.transfer.imported import BodyFormat, ImportedComment, Kind, LeftOut
from service.transfer.opened import Source, SourceError
from tests.transfer import exports

NAMES: Final = list(exports.WRITERS)
AT: Final = 1389720732000
PACKED: Final = [name for name in NAMES if name not in ("isso", "cusdis")]
"""A database has to be unpacked first."""


def read(*paths: Path) -> tuple[list[ImportedComment], list[LeftOut]]:
    """What comes in of these files, and what does not."""
    source = Source(paths)
    found = list(recognised(source).read(source))
    return (
        [each for each in found if isinstance(each, ImportedComment)],
        [each for each in found if isinstance(each, LeftOut)],
    )


def test_every_format_is_tried_here() -> None:
    assert {name.partition(" ")[0] for name in NAMES} == {form.name for form in FORMATS} - {"gatepost"}


@pytest.mark.parametrize("name", NAMES)
def test_format_is_recognised_by_its_content(tmp_path: Path, name: str) -> None:
    source = Source(exports.written(tmp_path, name))
    assert recognised(source).name == name.partition(" ")[0]


@pytest.mark.parametrize("name", NAMES)
def test_another_format_is_refused(tmp_path: Path, name: str) -> None:
    source = Source(exports.written(tmp_path, name))
    others = [form for form in FORMATS if form.name not in (name.partition(" ")[0], "gatepost")]
    for form in others:
        with pytest.raises(SourceError, match=f"is no export of {form.name}"):
            form.read(source)


@pytest.mark.parametrize(("name", "state"), [(name, state) for name in NAMES for state in exports.STATES[name]])
def test_state_is_kept(tmp_path: Path, name: str, state: str) -> None:
    (answer, question), _ = read(*exports.written(tmp_path, name, state))
    assert (answer.state, question.state) == (exports.STATES[name][state], "approved")


@pytest.mark.parametrize("name", NAMES)
def test_comment_says_all_that_the_file_knows(tmp_path: Path, name: str) -> None:
    (answer, question), _ = read(*exports.written(tmp_path, name))
    assert exports.ANSWER in answer.body
    assert exports.QUESTION in question.body
    assert {answer.created_at, question.created_at} == {AT}
    assert answer.author_name == "Ada"
    assert (answer.post_url or "").endswith("/2014/first/")
    assert answer.thread_id == question.thread_id
    assert answer.source == name.partition(" ")[0]
    assert answer.kind is Kind.COMMENT
    assert answer.edited_at is (None if name != "coral" else answer.edited_at)


@pytest.mark.parametrize("name", NAMES)
def test_reply_may_stand_before_what_it_answers(tmp_path: Path, name: str) -> None:
    (answer, question), _ = read(*exports.written(tmp_path, name))
    assert answer.source_parent == question.source_id
    assert question.source_parent is None
    assert answer.source_id != question.source_id


@pytest.mark.parametrize("name", NAMES)
def test_no_addresses_of_people_come_in(tmp_path: Path, name: str) -> None:
    comments, left_out = read(*exports.written(tmp_path, name))
    everything = repr((comments, left_out))
    assert exports.MAIL not in everything
    assert exports.IP not in everything
    assert sum(each.personal for each in left_out) >= 2


@pytest.mark.parametrize("name", PACKED)
def test_packed_files_say_the_same(tmp_path: Path, name: str) -> None:
    plain = exports.written(tmp_path, name)
    zipped = tmp_path / "zipped"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("export")
        for path in plain:
            archive.write(path, f"export/{path.name}")
            archive.writestr(f"__MACOSX/export/._{path.name}", b"what a Mac adds")
    gzipped = [exports.put(tmp_path / f"{path.name}-packed", gzip.compress(path.read_bytes())) for path in plain]
    zstd = [exports.put(tmp_path / f"{path.name}-zst", zstandard.compress(path.read_bytes())) for path in plain]
    assert read(zipped) == read(*gzipped) == read(*zstd) == read(*plain)


@pytest.mark.parametrize("name", ["isso", "cusdis"])
def test_packed_database_says_what_to_do(tmp_path: Path, name: str) -> None:
    (path,) = exports.written(tmp_path, name)
    packed = exports.put(tmp_path / "packed", gzip.compress(path.read_bytes()))
    with pytest.raises(SourceError, match="packed: is a database in an archive: unpack it first"):
        recognised(Source([packed]))


# --- WordPress --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "namespace",
    [
        *(f"http://wordpress.org/export/{version}/" for version in ("1.0", "1.1", "1.2")),
        "https://wordpress.org/export/1.2/",
    ],
)
def test_wordpress_of_every_version(tmp_path: Path, namespace: str) -> None:
    file = exports.put(tmp_path / "a", exports.wxr(exports.wxr_comment(1, 0, "1", "Hi"), namespace=namespace))
    ((comment,), _) = read(file)
    assert (comment.body, comment.anchor, comment.thread_id) == ("Hi", "comment-1", "7")


def test_wordpress_pingbacks_say_what_they_are(tmp_path: Path) -> None:
    kinds = ["", "comment", "pingback", "trackback"]
    comments = [exports.wxr_comment(number, 0, "1", "x", type=kind) for number, kind in enumerate(kinds, start=1)]
    found, _ = read(exports.put(tmp_path / "a", exports.wxr(*comments)))
    assert [comment.kind for comment in found] == [Kind.COMMENT, Kind.COMMENT, Kind.PINGBACK, Kind.TRACKBACK]


HIDDEN: Final = "stands on a post that is private, a draft or has a password: publish it first"


@pytest.mark.parametrize(
    ("of_post", "of_comment", "why"),
    [
        ("<wp:status>private</wp:status>", {}, HIDDEN),
        ("<wp:status>draft</wp:status>", {}, HIDDEN),
        ("<wp:post_password>x</wp:post_password>", {}, HIDDEN),
        ("", {"type": "note"}, "is a note of an editor"),
        ("<wp:status>publish</wp:status><wp:post_password></wp:post_password>", {}, None),
    ],
)
def test_wordpress_comments_that_readers_did_not_see_do_not_become_public(
    tmp_path: Path, of_post: str, of_comment: dict[str, str], why: str | None
) -> None:
    file = exports.wxr(exports.wxr_comment(1, 0, "1", "x", **of_comment))
    file = file.replace(b"<wp:comment>", of_post.encode() + b"<wp:comment>")
    found, left_out = read(exports.put(tmp_path / "a", file))
    assert len(found) == (why is None)
    assert [each.why for each in left_out if not each.personal] == ([] if why is None else [why])


def test_wordpress_time_of_zeros_is_taken_from_the_local_one(tmp_path: Path) -> None:
    comment = exports.wxr_comment(1, 0, "1", "x", date=exports.SECOND, date_gmt="0000-00-00 00:00:00")
    ((found,), _) = read(exports.put(tmp_path / "a", exports.wxr(comment)))
    assert found.created_at == AT


def test_wordpress_user_is_the_author_and_a_guest_is_nobody(tmp_path: Path) -> None:
    comments = [exports.wxr_comment(1, 0, "1", "x", user_id="5"), exports.wxr_comment(2, 0, "1", "x")]
    found, _ = read(exports.put(tmp_path / "a", exports.wxr(*comments)))
    assert [comment.author_id for comment in found] == ["5", None]


def test_wordpress_ids_are_told_apart_by_their_posts(tmp_path: Path) -> None:
    """Two blogs in one file, or two files: both have a comment 1, which is answered."""
    thread = (exports.wxr_comment(1, 0, "1", "x"), exports.wxr_comment(2, 1, "1", "y"))
    found, _ = read(exports.put(tmp_path / "a", exports.wxr_of((7, thread), (8, thread))))
    assert [(comment.source_id, comment.source_parent) for comment in found] == [
        ("7#1", None), ("7#2", "7#1"), ("8#1", None), ("8#2", "8#1"),
    ]  # fmt: skip


def test_wordpress_file_with_characters_that_xml_forbids_comes_in(tmp_path: Path) -> None:
    ((found,), _) = read(exports.put(tmp_path / "a", exports.wxr(exports.wxr_comment(1, 0, "1", "Back\x08space\x0b!"))))
    assert found.body == "Backspace!"


def test_bad_record_is_left_out_with_its_line_and_the_others_come_in(tmp_path: Path) -> None:
    comments = [
        exports.wxr_comment(1, 0, "1", "one"),
        exports.wxr_comment(2, 0, "1", "two", date="yesterday", date_gmt="0000-00-00 00:00:00"),
        exports.wxr_comment(3, 0, "odd", "three"),
        exports.wxr_comment(4, 0, "1", "four"),
    ]
    found, left_out = read(exports.put(tmp_path / "a", exports.wxr(*comments)))
    assert [comment.body for comment in found] == ["one", "four"]
    assert [(each.line, each.why) for each in left_out if not each.personal] == [
        (8, "has no time that can be read (`comment_date_gmt`: '0000-00-00 00:00:00')"),
        (11, "is in a state that WordPress itself has not (`comment_approved`: 'odd')"),
    ]


# --- The other systems ------------------------------------------------------------------------------------------------


def test_disqus_with_strays_bare_ids_and_no_id_comes_in(tmp_path: Path) -> None:
    posts = [
        exports.disqus_post(1, "one").replace('<thread dsq:id="9"/>', "<thread dsq:id=9/>"),
        exports.disqus_post(2, "two").replace(' dsq:id="2"><id/>', "><id>77</id>"),
        exports.disqus_post(3, "three", thread="1337"),
    ]
    found, _ = read(exports.put(tmp_path / "a", b"`\n" + exports.disqus(*posts)))
    assert [(comment.source_id, comment.post_url) for comment in found] == [
        ("1", exports.URL), ("77", exports.URL), ("3", None),
    ]  # fmt: skip


def test_disqus_bare_ids_come_in_wherever_the_file_is_cut_into_pieces(tmp_path: Path) -> None:
    posts = [exports.disqus_post(number, "x" * (number % 13)) for number in range(1, 2_000)]
    bare = [post.replace('<thread dsq:id="9"/>', "<thread dsq:id=9/>") for post in posts]
    found, _ = read(exports.put(tmp_path / "a", exports.disqus(*bare)))
    assert [comment.source_id for comment in found] == [str(number) for number in range(1, 2_000)]


@pytest.mark.parametrize("page", ["first", "/first"])
def test_commento_pages_that_were_given_an_id_are_told_apart(tmp_path: Path, page: str) -> None:
    """`data-page-id` is what its owner wrote, with a slash before it or none."""
    (path,) = exports.written(tmp_path, "commento")
    found, _ = read(exports.put(path, path.read_bytes().replace(b"/2014/first/", page.encode())))
    assert {comment.post_url for comment in found} == {"https://blog.example/first"}


def test_isso_ids_are_told_apart_by_their_threads(tmp_path: Path) -> None:
    comment = {"id": 0, "author": "Ada", "created": exports.SECOND, "text": "x"}
    threads = [{"comments": [comment, {**comment, "id": 1, "parent": 0}], "id": uri} for uri in ("/a/", "/b/")]
    found, _ = read(exports.put(tmp_path / "a", json.dumps(threads).encode()))
    assert [(each.source_id, each.source_parent) for each in found] == [
        ("/a/#0", None), ("/a/#1", "/a/#0"), ("/b/#0", None), ("/b/#1", "/b/#0"),
    ]  # fmt: skip


def test_remark42_is_recognised_with_very_many_users(tmp_path: Path) -> None:
    (path,) = exports.written(tmp_path, "remark42")
    first, comments = path.read_bytes().split(b"\n", 1)
    users = [{"id": f"github_{number}", "verified": True} for number in range(3_000)]
    many = json.dumps({**json.loads(first), "users": users}).encode()
    source = Source([exports.put(path, many + b"\n" + comments)])
    assert recognised(source).name == "remark42"
    assert len(read(path)[0]) == 2


def test_artalk_as_the_api_wraps_it(tmp_path: Path) -> None:
    (path,) = exports.written(tmp_path, "artalk")
    wrapped = exports.put(tmp_path / "wrapped", json.dumps({"artrans": path.read_text()}).encode())
    assert read(wrapped) == read(path)


def test_valine_as_leancloud_begins_it(tmp_path: Path) -> None:
    (path,) = exports.written(tmp_path, "valine")
    lines = [json.dumps(each) for each in json.loads(path.read_text())]
    first = '#filetype:JSON-streaming {"type":"Class","class":"Comment"}'
    found, _ = read(exports.put(tmp_path / "streamed", "\n".join([first, *lines, ""]).encode()))
    assert found == [each._replace(line=each.line + 1) for each in read(path)[0]]


def test_twikoo_text_and_object_id_are_two(tmp_path: Path) -> None:
    (path,) = exports.written(tmp_path, "twikoo")
    first, _ = path.read_bytes().splitlines(keepends=True)
    exports.put(path, first + first.replace(b'"_id": "b"', b'"_id": {"$oid": "b"}'))
    found, _ = read(path)
    assert [(comment.source_id, comment.anchor) for comment in found] == [("b", "b"), ("b#oid", "b")]


def test_bad_line_of_json_is_left_out_and_the_others_come_in(tmp_path: Path) -> None:
    (path,) = exports.written(tmp_path, "twikoo")
    first, second = path.read_bytes().splitlines(keepends=True)
    bad = [b"{no JSON}\n", b"[" * 100_000 + b"\n", b'{"comment": "\xff"}\n', b"[1]\n", b"{}\n"]
    found, left_out = read(exports.put(path, b"".join([first, *bad, second])))
    assert len(found) == 2
    assert [each.line for each in left_out if not each.personal] == [2, 3, 4, 5, 6]


def test_lone_surrogates_and_nul_do_not_get_through(tmp_path: Path) -> None:
    (path,) = exports.written(tmp_path, "twikoo")
    exports.put(path, path.read_bytes().replace(b"answer", b"\\ud83d an\\u0000swer"))
    (answer, _), _ = read(path)
    assert answer.body == "<p>An \ufffd an\ufffdswer.</p>"


def test_bodies_come_in_their_own_language(tmp_path: Path) -> None:
    """What is written in Markdown wins over the HTML that was made of it."""
    formats = {}
    for name in NAMES:
        (answer, _), _ = read(*exports.written(tmp_path, name))
        formats[name.partition(" ")[0]] = answer.body_format
    html = {name for name, body_format in formats.items() if body_format is BodyFormat.HTML}
    assert html == {"wordpress", "disqus", "twikoo", "valine", "coral"}


@pytest.mark.parametrize(
    ("value", "at"),
    [
        (1389720732, AT), (1389720732.0, AT), ("1389720732.000", AT), (AT, AT), (str(AT), AT),
        ("2014-01-14 17:32:12", AT), ("2014-01-14T17:32:12Z", AT), ("2014-01-14T18:32:12+01:00", AT),
        ("2014-01-14 18:32:12 +0100", AT), ("2014-01-14T17:32:12.000000001Z", AT), ("2014-01-14 17:32:12 UTC", AT),
        ("2014-01-15 01:32:12 +0800 CST", AT), ("2014-01-14 14:32:12.000000001 -0300 -03", AT),
        ({"$date": "2014-01-14T17:32:12Z"}, AT), ({"$date": AT}, AT), ({"$date": {"$numberLong": str(AT)}}, AT),
        ({"__type": "Date", "iso": "2014-01-14T17:32:12Z"}, AT),
        ("0000-00-00 00:00:00", None), ("0001-01-01T00:00:00.000Z", None), ("", None), (None, None), (True, None),
        ("2011-x09-30T22:48:43Z", None), (float("nan"), None), (1e300, None), ("9" * 400, None), ({}, None), ([], None),
        (-5, None),
    ],
)  # fmt: skip
def test_times_as_the_systems_write_them(value: object, at: int | None) -> None:
    assert moment(value) == at
