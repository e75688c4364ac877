"""A post's comments as a fragment of HTML: for pages without JavaScript, static builds and crawlers to include.

Names, biographies, addresses and texts come escaped or (texts) sanitised; there is no style and no script in it.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from markupsafe import Markup

from service.model import CommentId, Milliseconds, Post, PublicComment
from service.reading import language, show
from service.reading.address import web_address
from service.reading.language import Language
from service.reading.templating import FOLDER, template
from service.settings import Site

TEMPLATE: Final = FOLDER / "comments.html"
MEDIA_TYPE: Final = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Line:
    """One item, and the tags before it that bring the nested lists to its level; at the end only the tags.

    `answers` is the comment it replies to, where the nesting does not say so.
    """

    tags: Markup
    item: PublicComment | None = None
    answers: CommentId | None = None
    answers_elsewhere: bool = False


def fragment(
    site: Site,
    post: Post,
    items: Iterable[PublicComment],
    *,
    nested: bool,
    following: str | None = None,
    spoken: Language | None = None,
) -> Iterator[str]:
    """The fragment in pieces, as `items` come: a thread of any length takes no more memory than one of its comments.

    `nested`: the items are depth-first and become lists in lists; else they are one flat list. `following` is the
    address of the next page. `spoken` is the language that was asked for, and the fragment says so (`lang`, `dir`);
    else it is English and does not say so: it becomes a part of a page whose language nobody has told us.
    """
    words = spoken or language.named("en")
    return template(TEMPLATE.name).generate(
        post=post,
        spoken=spoken,
        say=words.say,
        count=words.count(post.count),
        login=site.login_page(web_address(show.address_of(site, post))),
        lines=_lines(items, nested=nested),
        next=following,
        time=partial(_time, words),
    )


def appearance(site: Site) -> str:
    """Differs where the same comments would be shown otherwise: by another template, words, login page or origins."""
    form = "\0".join(path.read_text("utf-8") for path in (TEMPLATE, language.path_of("en")))
    shown = f"{form}\0{site.login_url}\0{' '.join(site.origins)}"
    return hashlib.blake2b(shown.encode(), digest_size=8).hexdigest()


def _time(words: Language, moment: Milliseconds) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(show.timestamp(moment), words.time(moment))


def _lines(items: Iterable[PublicComment], *, nested: bool) -> Iterator[_Line]:
    """Each item goes into the list below the last one that is less deep. A page may begin in the middle of a thread."""
    above: list[tuple[int, CommentId]] = []  # the items that are still open, with their depths
    for item in items:
        depth, were_open = item.depth if nested else 0, len(above)
        while above and above[-1][0] >= depth:
            above.pop()
        closed = were_open - len(above)
        tags = "</li>\n" + "</ol>\n</li>\n" * (closed - 1) if closed else '<ol class="gatepost-list">\n'
        answers = item.parent_id if not above or above[-1][1] != item.parent_id else None
        yield _Line(
            Markup(f"{tags}<li>"),  # noqa: S704  # nothing of anybody's is in it
            item,
            answers,
            answers_elsewhere=answers is not None and nested and not above,
        )
        above.append((depth, item.id))
    yield _Line(Markup("</li>\n</ol>\n" * len(above)))  # noqa: S704
