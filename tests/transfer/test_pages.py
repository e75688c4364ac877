"""Exported pages: as readers see them, only what changed is written, what is gone goes, whatever ends a run."""

import asyncio
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from service.model import Action, Comment, PostKey, SiteKey, SiteRules
from service.settings import Site, parse
from service.store.database import Database
from service.store.snapshot import StoppedError, Watch
from service.transfer import pages
from service.transfer.pages import Done, FolderError
from tests.conftest import StartGatepost
from tests.forked import Forked, forked
from tests.harness import Hands, configuration
from tests.store.scene import BLOG, OPEN, Scene
from tests.test_cli import command, environment

ODD_KEYS = ["2005/07", "../x", "CON", "a", "A", "index", "x" * 512, "\U0001f600", 'a"><b>', "%2F"]
Files = Mapping[str, tuple[int, int, bytes]]


@pytest.fixture
def scene(database: Database, clock: Hands) -> Scene:
    """Acts on the test's store."""
    return Scene(database, clock)


@pytest.fixture
async def posts(scene: Scene) -> dict[str, Comment]:
    """An approved comment on each of three posts."""
    return {key: await scene.approved(BLOG, "ada", post=PostKey(key)) for key in ("one", "two", "three")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where to write; not there yet."""
    return tmp_path / "out" / "pages"


def files(folder: Path) -> Files:
    """Every file below: which it is, when it was written, what is in it."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != pages.MARKER]
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
        for path in found
    }


def names_in(folder: Path) -> set[str]:
    """What is in the folder itself."""
    return {path.name for path in folder.iterdir()}


def make(folder: Path) -> None:
    """An empty folder."""
    folder.mkdir(parents=True)


def changed(before: Files, after: Files) -> set[str]:
    """Files that are another file now, or none."""
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def contents(found: Files) -> dict[str, bytes]:
    """What is in them."""
    return {name: content for name, (_, _, content) in found.items()}


def index_of(folder: Path, site: str = "blog") -> Any:
    """What the index says of the posts."""
    return json.loads((folder / site / pages.INDEX).read_bytes())["posts"]


def configured(site: SiteRules) -> Site:
    """The site of a scene as the configuration describes it."""
    return parse({"sites": {site.key: {"name": site.key}}}).sites[site.key]


async def export(database: Database, folder: Path, *sites: Site, watch: Watch | None = None) -> Done:
    """One run; what it did on the first site."""
    chosen = sites or (configured(BLOG),)
    return (await pages.export(database, chosen, folder, watch))[chosen[0].key]


# --- What is written --------------------------------------------------------------------------------------------------


async def test_files_hold_what_the_service_gives_while_it_runs(
    start_gatepost: StartGatepost, store_url: str, folder: Path, clock: Hands
) -> None:
    gatepost = await start_gatepost()
    for key in ODD_KEYS:
        first = await gatepost.approved("Hello", post=quote(key, safe=""), by="ada")
        await gatepost.approved("Hello back", post=quote(key, safe=""), by="bob", parent_id=first["id"])
        await gatepost.reader("ada").withdraw(first["id"])
    database = await Database.open(store_url, clock=clock, alongside=True)
    site = parse(configuration(store_url)).sites[SiteKey("blog")]
    assert await export(database, folder, site) == Done(len(ODD_KEYS), len(ODD_KEYS), 0)
    index = index_of(folder)
    assert set(index) == set(ODD_KEYS)
    for key in ODD_KEYS:
        address = f"posts/{quote(key, safe='')}/comments"
        shown = await gatepost.visitor.get(f"{address}?limit=200")
        assert (folder / "blog" / index[key]["json"]).read_bytes() == shown.body
        assert (folder / "blog" / index[key]["html"]).read_bytes() == (
            await gatepost.visitor.get(f"{address}.html?limit=200")
        ).body
        assert index[key]["count"] == 1
    assert names_in(folder) == {"blog", pages.MARKER}
    assert len(files(folder)) == 2 * len(ODD_KEYS) + 1
    await database.close()


async def test_a_long_thread_is_one_file(database: Database, scene: Scene, folder: Path) -> None:
    writing = [scene.submit(OPEN, "ada", post=PostKey("long")) for _ in range(pages.COMMENTS_AT_ONCE + 3)]
    made = [comment.id for comment in await asyncio.gather(*writing)]
    await export(database, folder, configured(OPEN))
    shown = json.loads((folder / "open" / "long.json").read_bytes())
    assert sorted(item["id"] for item in shown["comments"]) == sorted(made)
    assert (shown["next"], shown["post"]["count"]) == (None, len(made))
    as_html = (folder / "open" / "long.html").read_text()
    assert all(f'id="comment-{comment_id}"' in as_html for comment_id in made)


async def test_posts_that_show_nothing_have_no_files(database: Database, scene: Scene, folder: Path) -> None:
    await scene.submit(BLOG, "ada", post=PostKey("waiting"))
    assert await export(database, folder) == Done(0, 0, 0)
    assert index_of(folder) == {}


async def test_sites_have_folders_of_their_own(database: Database, scene: Scene, folder: Path) -> None:
    for site in (BLOG, OPEN):
        await scene.approved(site, "ada", post=PostKey("post"))
    await export(database, folder, configured(BLOG), configured(OPEN))
    assert set(files(folder)) == {
        f"{site}/{name}" for site in ("blog", "open") for name in ("index.json", "post.json", "post.html")
    }


# --- Again ------------------------------------------------------------------------------------------------------------


async def test_a_second_run_writes_only_what_changed(
    database: Database, scene: Scene, folder: Path, posts: dict[str, Comment]
) -> None:
    assert await export(database, folder) == Done(3, 3, 0)
    first = files(folder)
    assert await export(database, folder) == Done(3, 0, 0)
    assert changed(first, files(folder)) == set()
    await scene.approved(BLOG, "bob", post=PostKey("two"))
    await scene.submit(BLOG, "bob", post=PostKey("one"))  # nobody sees it yet
    assert await export(database, folder) == Done(3, 1, 0)
    assert changed(first, files(folder)) == {"blog/two.json", "blog/two.html", "blog/index.json"}
    assert {key: entry["count"] for key, entry in index_of(folder).items()} == {"one": 1, "two": 2, "three": 1}


async def test_what_is_taken_down_is_in_no_file_any_more(
    database: Database, scene: Scene, folder: Path, posts: dict[str, Comment]
) -> None:
    await export(database, folder)
    await scene.decide(posts["two"], Action.SPAM)
    assert await export(database, folder) == Done(2, 0, 2)
    assert set(files(folder)) == {f"blog/{key}.{ending}" for key in ("one", "three") for ending in ("json", "html")} | {
        "blog/index.json"
    }
    assert not any(posts["two"].id.encode() in content for content in contents(files(folder)).values())


async def test_a_file_that_somebody_removed_is_written_again(
    database: Database, folder: Path, posts: dict[str, Comment]
) -> None:
    await export(database, folder)
    whole = contents(files(folder))
    (folder / "blog" / "one.html").unlink()
    assert await export(database, folder) == Done(3, 1, 0)
    assert contents(files(folder)) == whole


@pytest.mark.parametrize("index", [b"", b"{", b'{"form": 1}', b"[]", b'{"form": "", "posts": {"one": {}}}', b"\xff"])
async def test_an_index_that_cannot_be_read_is_made_anew(
    database: Database, folder: Path, posts: dict[str, Comment], index: bytes
) -> None:
    await export(database, folder)
    whole = contents(files(folder))
    (folder / "blog" / pages.INDEX).write_bytes(index)
    assert await export(database, folder) == Done(3, 3, 0)
    assert contents(files(folder)) == whole


async def test_another_login_page_is_in_every_file(database: Database, folder: Path, posts: dict[str, Comment]) -> None:
    await export(database, folder)
    moved = parse({"sites": {"blog": {"name": "blog", "login_url": "https://new.example/"}}}).sites[SiteKey("blog")]
    assert await export(database, folder, moved) == Done(3, 3, 0)
    for key in posts:
        assert "https://new.example/" in (folder / "blog" / f"{key}.html").read_text()


async def test_leftovers_go_and_what_is_not_ours_stays(
    database: Database, folder: Path, posts: dict[str, Comment]
) -> None:
    await export(database, folder)
    for name in ("gone.json", "gone.html", "one.json.new", "notes.txt"):
        (folder / "blog" / name).write_text("left over")
    assert await export(database, folder) == Done(3, 0, 2)
    left = names_in(folder / "blog")
    assert left & {"gone.json", "gone.html", "one.json.new", "notes.txt"} == {"notes.txt"}


# --- Ended before its time --------------------------------------------------------------------------------------------

DIES = """
import asyncio, os, sys
from pathlib import Path
from service.model import system_clock
from service.settings import Site, parse
from service.store.database import Database
from service.transfer import pages

url, folder, steps = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])

def dying(act):
    def step(*args, **kwargs):
        global steps
        steps -= 1
        if steps < 0:
            os._exit(9)
        return act(*args, **kwargs)
    return step

Path.replace, Path.unlink, os.fsync = dying(Path.replace), dying(Path.unlink), dying(os.fsync)

async def run():
    database = await Database.open(url, clock=system_clock, alongside=True)
    sites = parse({"sites": {"blog": {"name": "blog"}}}).sites
    await pages.export(database, list(sites.values()), folder)
    await database.close()

asyncio.run(run())
"""


@pytest.fixture
def dying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    """An export that dies after so many steps, in a fresh process each time."""
    with forked(DIES, tmp_path_factory.mktemp("dying"), environment({})) as ready:
        yield ready


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_run_that_is_killed_anywhere_leaves_whole_files_and_the_next_makes_all_right(
    database: Database,
    scene: Scene,
    folder: Path,
    tmp_path: Path,
    store_url: str,
    posts: dict[str, Comment],
    dying: Forked,
) -> None:
    await export(database, folder)
    old = contents(files(folder))
    await scene.decide(posts["one"], Action.DELETE)
    await scene.approved(BLOG, "bob", post=PostKey("two"))
    await scene.approved(BLOG, "bob", post=PostKey("four"))
    await export(database, tmp_path / "undisturbed")
    new = contents(files(tmp_path / "undisturbed"))
    ended = 0
    for steps in range(100):
        done = await asyncio.to_thread(dying.run, store_url, str(folder), str(steps))
        left = {name: content for name, content in contents(files(folder)).items() if not name.endswith(".new")}
        assert {name for name, content in left.items() if content not in (old.get(name), new.get(name))} == set()
        if done.returncode == 0:
            break
        assert done.returncode == 9, done.stderr
        ended += 1
        _put_back(folder, old)
    assert ended > 8
    assert contents(files(folder)) == new
    # Whatever was left: the next run finds it and ends with the same files.
    for steps in range(0, ended, 3):
        _put_back(folder, old)
        await asyncio.to_thread(dying.run, store_url, str(folder), str(steps))
        await export(database, folder)
        assert contents(files(folder)) == new


def _put_back(folder: Path, contents: Mapping[str, bytes]) -> None:
    for path in folder.rglob("*.*"):
        if path.is_file() and path.name != pages.MARKER:
            path.unlink()
    for name, content in contents.items():
        (folder / name).write_bytes(content)


async def test_a_run_that_is_ended_is_taken_up_again(
    database: Database, folder: Path, posts: dict[str, Comment]
) -> None:
    watch, seen = Watch(), list[tuple[str, int, int]]()
    await export(database, folder, watch=Watch(lambda *told: seen.append(told)))
    assert seen == [(pages.STEP, number, 3) for number in (1, 2, 3)]
    watch.end()
    with pytest.raises(StoppedError):
        await export(database, folder, watch=watch)
    assert await export(database, folder) == Done(3, 0, 0)


# --- Whose folder -----------------------------------------------------------------------------------------------------


async def test_a_folder_of_something_else_is_refused_and_left_alone(database: Database, folder: Path) -> None:
    make(folder)
    (folder / "index.html").write_text("a whole blog")
    with pytest.raises(FolderError, match="holds something else: name an empty folder"):
        await export(database, folder)
    assert names_in(folder) == {"index.html"}
    with pytest.raises(FolderError, match="is no folder"):
        await export(database, folder / "index.html")
    with pytest.raises(FolderError, match="cannot be written"):
        await export(database, folder / "index.html" / "below")


async def test_an_empty_folder_is_taken(database: Database, folder: Path) -> None:
    make(folder)
    await export(database, folder)
    assert (folder / pages.MARKER).exists()


async def test_a_link_that_leads_elsewhere_is_not_followed(database: Database, folder: Path, tmp_path: Path) -> None:
    await export(database, folder, configured(OPEN))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine.json").write_text("{}")
    (folder / "blog").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderError, match="leads elsewhere"):
        await export(database, folder)
    assert (tmp_path / "elsewhere" / "mine.json").exists()


async def test_a_link_in_the_place_of_a_file_is_replaced_and_not_written_through(
    database: Database, folder: Path, posts: dict[str, Comment], tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    make(folder / "blog")
    (folder / pages.MARKER).touch()
    for name in ("one.json", "one.html.new", "index.json.new", "gone.json"):
        (folder / "blog" / name).symlink_to(mine)
    await export(database, folder)
    assert mine.read_text() == "mine"
    assert not any(path.is_symlink() for path in (folder / "blog").iterdir())
    assert len(files(folder)) == 2 * len(posts) + 1


async def test_folders_of_somebody_else_stay_whatever_they_are_called(
    database: Database, folder: Path, posts: dict[str, Comment]
) -> None:
    await export(database, folder)
    make(folder / "blog" / "theirs.html")
    (folder / "blog" / "theirs.html" / "index.html").write_text("a page")
    assert await export(database, folder) == Done(3, 0, 0)
    assert (folder / "blog" / "theirs.html" / "index.html").read_text() == "a page"


async def test_two_runs_do_not_write_at_once(database: Database, folder: Path) -> None:
    with pages._own(folder), pytest.raises(FolderError, match="another export"):
        await export(database, folder)
    await export(database, folder)


# --- The command ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_the_command_says_what_it_did(
    posts: dict[str, Comment], store_url: str, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "gatepost.toml").write_text('[sites.blog]\nname = "A blog"\n[sites.open]\nname = "Another"\n')

    def run(*words: str, url: str = store_url) -> tuple[int, str, str]:
        done = subprocess.run(
            command("export", "pages", str(folder), *words), cwd=tmp_path,
            env=environment({"GATEPOST_DATABASE__URL": url}), capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    told = await asyncio.to_thread(run)
    assert told == (0, "blog: 3 posts, 3 written, 0 files removed.\nopen: 0 posts, 0 written, 0 files removed.\n", "")
    assert await asyncio.to_thread(run, "--site", "blog") == (0, "blog: 3 posts, 0 written, 0 files removed.\n", "")
    before = files(folder)
    status, _, said = await asyncio.to_thread(run, "--site", "nowhere")
    assert (status, 'no site "nowhere"' in said) == (2, True)
    status, _, said = await asyncio.to_thread(run, url=f"sqlite:///{tmp_path}/not-there.db")
    assert (status, said.count("\n")) == (1, 1)
    assert "not-there.db" not in names_in(tmp_path)
    (tmp_path / "empty.toml").touch()
    status, _, said = await asyncio.to_thread(run, "--config", "empty.toml")
    assert (status, "there is no site in the configuration" in said) == (2, True)
    (folder / pages.MARKER).unlink()
    status, _, said = await asyncio.to_thread(run)
    assert (status, "holds something else" in said) == (1, True)
    assert changed(before, files(folder)) == set()
