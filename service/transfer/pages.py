"""`gatepost export pages`: what readers see, as files for a static build; only what changed is written again.

    DIR/.gatepost-pages      says whose folder it is, and is locked while somebody writes there
    DIR/<site>/index.json    which posts there are: their files, counts and revisions
    DIR/<site>/<post>.json   the whole list as the API gives it; <post>.html the same as a fragment

However a run is ended, each file is whole, and the next run makes the folder right: what the index does not vouch for
is written again, what it does not name goes.
"""

import fcntl
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from service import refusal
from service.model import Post, PostKey, PublicComment, SiteKey
from service.reading import html, show
from service.settings import Site
from service.store import files, posts, published
from service.store.database import Database, Transaction
from service.store.snapshot import Watch
from service.transfer.names import name_of

STEP: Final = "export"
MARKER: Final = ".gatepost-pages"
INDEX: Final = "index.json"
UNFINISHED: Final = ".new"
OURS: Final = (".json", ".html", UNFINISHED)
FORM: Final = 1
"""To be raised when the same comments would be written otherwise than before: then every file is written again."""
POSTS_AT_ONCE: Final = 500
COMMENTS_AT_ONCE: Final = 500
WRITTEN_BETWEEN_INDEXES: Final = 200
"""Posts: so many are written again at most after a run that was ended."""


class FolderError(Exception):
    """The folder cannot be used. Its text is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A post in the index: its files and what is in them. `revision` rises with every visible change."""

    json: str
    html: str
    count: int
    revision: int
    title: str | None
    url: str | None


@dataclass(slots=True)
class Index:
    """What is in a site's folder. `form` is how it was written: another one makes all of it out of date."""

    form: str = ""
    posts: dict[PostKey, Entry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did: posts that have files now, those of them that were written, files that were removed."""

    posts: int
    written: int
    removed: int


async def export(
    database: Database, sites: Sequence[Site], directory: Path, watch: Watch | None = None
) -> dict[SiteKey, Done]:
    """Bring the folders of these sites up to date. A thread of any length takes no more memory than a page of it.

    Raises FolderError, StoreUnavailable, and StoppedError when `watch` ends it.
    """
    watch = watch or Watch()
    try:
        with _own(directory):
            totals = [await database.read(posts.count_commented, site.key) for site in sites]
            progress = _Progress(watch, sum(totals))
            return {site.key: await _Folder(database, site, directory, progress).update() for site in sites}
    except OSError as error:
        raise FolderError(
            f"{error.filename or directory}: cannot be written ({error.strerror}{refusal.as_whom(error)})"
        ) from None


class _Progress:
    def __init__(self, watch: Watch, total: int) -> None:
        self._watch = watch
        self._total = total
        self._done = 0

    def one_more(self) -> None:
        """Raises StoppedError when the work should end."""
        self._done += 1
        self._watch.tell(STEP, self._done, max(self._done, self._total))


class _Folder:
    """One site's folder."""

    def __init__(self, database: Database, site: Site, directory: Path, progress: _Progress) -> None:
        self._database = database
        self._site = site
        self._path = directory / site.key
        self._progress = progress

    async def update(self) -> Done:
        """Write what changed, then the index, then remove what it does not name."""
        if self._path.is_symlink():
            raise FolderError(f"{self._path}: leads elsewhere: remove the link")
        self._path.mkdir(exist_ok=True)
        form = f"{FORM} {html.appearance(self._site)}"
        before = self._read_index()
        known = before.posts if before.form == form else {}
        there = {path.name for path in self._path.iterdir()}
        now: dict[PostKey, Entry] = {}
        written = 0
        async for post in self._posts():
            entry = known.get(post.key)
            if entry is None or entry.revision != post.revision or not {entry.json, entry.html} <= there:
                entry = await self._database.bulk.read(self._write, post.key)
                written += 1
                if written % WRITTEN_BETWEEN_INDEXES == 0 and entry is not None:
                    self._write_index(Index(form, {**known, **now, post.key: entry}))
            if entry is not None:
                now[post.key] = entry
            self._progress.one_more()
        self._write_index(Index(form, now))
        return Done(len(now), written, self._remove_all_but({INDEX, *_files_of(now)}))

    async def _posts(self) -> AsyncIterator[Post]:
        after = PostKey("")
        while found := await self._database.bulk.read(
            posts.commented, self._site.key, limit=POSTS_AT_ONCE, after=after
        ):
            for post in found:
                yield post
            after = found[-1].key

    def _write(self, tx: Transaction, key: PostKey) -> Entry | None:
        """Both files of a post, as it is in this transaction; None where nothing is left to show."""
        post, name = posts.get(tx, self._site.key, key), name_of(key)
        if post.count == 0:
            return None
        entry = Entry(
            f"{name}.json", f"{name}.html", post.count, post.revision, post.title, show.address_of(self._site, post)
        )
        with _replacing(self._path / entry.json) as as_json, _replacing(self._path / entry.html) as as_html:
            as_json.writelines(_json(self._site, post, _thread(tx, post)))
            as_html.writelines(
                piece.encode() for piece in html.fragment(self._site, post, _thread(tx, post), nested=True)
            )
        return entry

    def _read_index(self) -> Index:
        """The last one; an empty one where there is none that can be read, so that everything is written again."""
        try:
            return TypeAdapter(Index).validate_json((self._path / INDEX).read_bytes())
        except (FileNotFoundError, ValidationError):
            return Index()

    def _write_index(self, index: Index) -> None:
        path, content = self._path / INDEX, to_json(index, indent=1) + b"\n"
        if path.exists() and path.read_bytes() == content:
            return
        files.sync(self._path)  # the files that it names first
        with _replacing(path) as file:
            file.write(content)
        files.sync(self._path)

    def _remove_all_but(self, names: set[str]) -> int:
        there = [path for path in self._path.iterdir() if path.suffix in OURS and path.name not in names]
        found = [path for path in there if path.is_symlink() or not path.is_dir()]  # we make no folders here
        for path in found:
            path.unlink()
        return len([path for path in found if path.suffix != UNFINISHED])


def _thread(tx: Transaction, post: Post) -> Iterator[PublicComment]:
    after = None
    while True:
        page = published.thread(tx, post.site, post.key, newest_first=False, limit=COMMENTS_AT_ONCE, after=after)
        yield from page.items
        if page.next is None:
            return
        after = page.next


def _json(site: Site, post: Post, items: Iterator[PublicComment]) -> Iterator[bytes]:
    """`shapes.PublicList`, piece by piece."""
    yield b'{"post":' + to_json(show.post(site, post)) + b',"comments":['
    for number, item in enumerate(items):
        yield (b"," if number else b"") + to_json(show.item(item))
    yield b'],"next":null}'


def _files_of(entries: dict[PostKey, Entry]) -> Iterator[str]:
    for entry in entries.values():
        yield from (entry.json, entry.html)


@contextmanager
def _own(directory: Path) -> Iterator[None]:
    """The folder is ours, and nobody else writes there meanwhile. Raises FolderError, OSError."""
    if directory.exists() and not directory.is_dir():
        raise FolderError(f"{directory}: is no folder: name one")
    directory.mkdir(parents=True, exist_ok=True)
    marker = directory / MARKER
    if not marker.exists() and any(directory.iterdir()):
        raise FolderError(
            f"{directory}: holds something else: name an empty folder, or one that `gatepost export pages` made"
        )
    handle = os.open(marker, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise FolderError(f"{directory}: another export is writing there: wait for it") from None
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` when the block ends well; until then `path` is what it was."""
    unfinished = path.with_name(path.name + UNFINISHED)
    unfinished.unlink(missing_ok=True)  # a leftover, or a link by which somebody would have us write elsewhere
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
