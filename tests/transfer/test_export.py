"""A site goes out whole and comes back whole, on either engine; without people it comes like any foreign file."""

import csv
import io
import json
from pathlib import Path

import pytest

from service.model import SiteKey
from service.moderation.restoring import NotForThisSiteError
from service.settings import Site, parse
from service.store import snapshot, staged
from service.store.database import Database
from service.store.snapshot import Watch
from service.transfer import bringing, content, csv_file, lines, wordpress_file
from service.transfer.formats import gatepost, wordpress
from service.transfer.imported import ImportedComment
from service.transfer.keys import Keys, path_of
from service.transfer.opened import Source, SourceError
from service.transfer.reading import Wanted
from service.transfer.report import Report
from tests.harness import Hands, configuration
from tests.rows import rows_of
from tests.store import scene
from tests.transfer.bringing import bring, comment, differences, digest

SITES = parse(configuration("sqlite:///none.db")).sites
BLOG = SITES[SiteKey("blog")]


def site_called(key: str) -> Site:
    """The same settings under another key."""
    return parse(configuration("sqlite:///none.db")).sites[BLOG.key].model_copy(update={"key": SiteKey(key)})


def export(url: str, file: Path, site: SiteKey = BLOG.key, *, people: bool = True) -> Path:
    """What `gatepost export site` writes."""
    with snapshot.of(url) as moment:
        head = content.header(moment, site, people=people, watch=Watch())
        file.write_bytes(head + b"".join(content.lines(moment, site, people=people, watch=Watch())))
    return file


async def put_back(database: Database, file: Path, site: Site = BLOG, *, batch: str = "a-batch") -> Report:
    """What `gatepost import gatepost` does, each time as another batch."""
    report = Report(site=site.key)
    with staged.opened() as stage:
        source = Source([file])
        ready = bringing.prepare(source, gatepost.FORMAT, Wanted(site), stage, report, Watch(), batch=batch)
        await bringing.look(database, ready, stage, report, Watch())
        await bringing.write(database, ready, stage, report, Watch())
    return report


@pytest.fixture
async def filled(tmp_path: Path, clock: Hands) -> str:
    """The address of an SQLite store with one of everything."""
    url = f"sqlite:///{tmp_path}/filled.db"
    await scene.fill(url, clock)
    return url


@pytest.mark.parametrize("site", ["blog", "open", "ruled"])
async def test_what_comes_back_is_what_went_out(
    filled: str, any_url: str, tmp_path: Path, clock: Hands, site: str
) -> None:
    there = site_called(site)
    file = export(filled, tmp_path / "out.jsonl", there.key)
    database = await Database.open(any_url, clock=clock)
    report = await put_back(database, file, there)
    again = await put_back(database, file, there, batch="again")
    await database.close()
    assert differences(any_url) == []
    assert export(any_url, tmp_path / "back.jsonl", there.key).read_text() == file.read_text()
    assert digest(any_url, there.key) == digest(filled, there.key)
    assert (report.new, again.new, again.batch) == (report.comments, 0, None)


async def test_without_people_it_comes_like_a_foreign_file(
    filled: str, store_url: str, database: Database, tmp_path: Path
) -> None:
    file = export(filled, tmp_path / "out.jsonl", people=False)
    assert "@blog.example" not in file.read_text()
    report = await put_back(database, file)
    assert report.new == report.comments > 5
    assert differences(store_url) == []


async def test_a_site_with_comments_takes_no_lossless_export(filled: str, tmp_path: Path, clock: Hands) -> None:
    file = export(filled, tmp_path / "out.jsonl")
    database = await Database.open(filled, clock=clock)
    with pytest.raises(NotForThisSiteError, match="blog is not empty"):
        await put_back(database, file)
    await database.close()


async def test_a_file_that_was_cut_or_changed_is_refused_with_its_line(
    filled: str, database: Database, tmp_path: Path
) -> None:
    file = export(filled, tmp_path / "out.jsonl")
    whole = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(whole[:-1]))
    with pytest.raises(SourceError, match="cut off"):
        await put_back(database, file)
    file.write_bytes(b"".join([*whole[:-1], whole[-1].replace(b'"status"', b'"state"')]))
    with pytest.raises(SourceError, match=f"line {len(whole)}: comment"):
        await put_back(database, file)
    file.write_bytes(b"".join([*whole[:-1], whole[-1].replace(b'"name":"', b'"name":"Not ')]))
    with pytest.raises(SourceError, match="another digest"):
        await put_back(database, file)


def test_every_line_is_as_its_schema_says(filled: str, tmp_path: Path) -> None:
    for people in (True, False):
        first, *rest = export(filled, tmp_path / "out.jsonl", people=people).read_bytes().splitlines()
        assert json.loads(first) == lines.HEADER.validate_json(first)
        for line in rest:
            assert json.loads(line) == lines.LINE.validate_json(line)


def test_a_table_runs_no_formula(filled: str) -> None:
    with snapshot.of(filled) as moment:
        table = b"".join(csv_file.lines(moment, BLOG.key, Watch())).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(table)))
    assert len(rows) > 5
    assert {len(row) for row in rows} == {len(csv_file.COLUMNS)}
    for formula in ("=1+1", "+1", "-1", "@x", "\t=1", " =1", "\r=1", "\uff1d1"):
        assert csv_file.harmless(formula) == f"'{formula}"
    assert [csv_file.harmless(text) for text in ("1-1", "", "a=b")] == ["1-1", "", "a=b"]


async def test_what_wordpress_is_given_comes_back(filled: str, database: Database, tmp_path: Path) -> None:
    file = tmp_path / "out.xml"
    with snapshot.of(filled) as moment:
        file.write_bytes(b"".join(wordpress_file.lines(moment, BLOG, Watch())))
    report = Report(site=BLOG.key)
    with staged.opened() as stage:
        wanted = Wanted(BLOG, Keys.ID)
        ready = bringing.prepare(Source([file]), wordpress.FORMAT, wanted, stage, report, Watch(), batch="a-batch")
        await bringing.look(database, ready, stage, report, Watch())
        await bringing.write(database, ready, stage, report, Watch())
    with rows_of(filled) as rows:
        told = "SELECT status, count(*) FROM comments WHERE site = 'blog' GROUP BY status"
        there = dict(map(tuple, rows.execute(told)))
    kept = {status: number for status, number in there.items() if status in ("approved", "pending", "spam")}
    assert (report.by_status, report.new, report.said) == (kept, sum(kept.values()), [])


async def test_wordpress_is_given_a_reply_behind_what_it_answers(
    database: Database, store_url: str, tmp_path: Path
) -> None:
    """Also one that is older, as where two machines had each their own clock: WordPress looks no further back."""
    at = comment(1).created_at
    await bring(database, [comment(1), comment(2, parent=1, created_at=at - 5_000), comment(3, created_at=at - 9_000)])
    with snapshot.of(store_url) as moment:
        (tmp_path / "out.xml").write_bytes(b"".join(wordpress_file.lines(moment, BLOG, Watch())))
    found = wordpress.FORMAT.read(Source([tmp_path / "out.xml"]))
    threads = [(one.source_id, one.source_parent) for one in found if isinstance(one, ImportedComment)]
    assert threads == [("1#1", None), ("1#2", None), ("1#3", "1#2")]


async def test_a_post_without_an_address_has_one_in_what_wordpress_is_given(
    database: Database, store_url: str, tmp_path: Path
) -> None:
    await bring(database, [comment(1, thread_id="/100% so? #1", post_url=None)], Wanted(BLOG, Keys.ID))
    with snapshot.of(store_url) as moment:
        (tmp_path / "out.xml").write_bytes(b"".join(wordpress_file.lines(moment, BLOG, Watch())))
    found = wordpress.FORMAT.read(Source([tmp_path / "out.xml"]))
    addresses = [one.post_url for one in found if isinstance(one, ImportedComment)]
    assert list(map(path_of, filter(None, addresses))) == ["/100% so? #1"]


def test_the_schema_in_the_documentation_is_that_of_the_lines() -> None:
    path = Path(__file__).parents[2] / "docs" / "export.schema.json"
    assert json.loads(path.read_text("utf-8")) == lines.schema()
