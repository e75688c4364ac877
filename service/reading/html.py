"""A post's comments as a fragment of HTML: for pages without JavaScript, static builds and crawlers to include.

Names, biographies, addresses and texts come escaped or (texts) sanitised; there is no style and no script in it.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup

from service.model import CommentId, Milliseconds, Post, PublicComment
from service.reading import show
from service.reading.address import web_address
from service.reading.templating import FOLDER, TEMPLATES
from service.settings import Site

TEMPLATE: Final = FOLDER / "comments.html"
MEDIA_TYPE: Final = "text/html; charset=utf-8"
# Not strftime: it would speak the language of the machine.
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


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
    site: Site, post: Post, items: Iterable[PublicComment], *, nested: bool, following: str | None = None
) -> Iterator[str]:
    """The fragment in pieces, as `items` come: a thread of any length takes no more memory than one of its comments.

    `nested`: the items are depth-first and become lists in lists; else they are one flat list. `following` is the
    address of the next page.
    """
    return TEMPLATES.get_template(TEMPLATE.name).generate(
        post=post,
        count=_counted(post.count),
        login=site.login_page(web_address(show.address_of(site, post))),
        lines=_lines(items, nested=nested),
        next=following,
        time=_time,
    )


def appearance(site: Site) -> str:
    """Differs where the same comments would be shown otherwise: by another template, login page or origins."""
    shown = f"{TEMPLATE.read_text('utf-8')}\0{site.login_url}\0{' '.join(site.origins)}"
    return hashlib.blake2b(shown.encode(), digest_size=8).hexdigest()


def in_words(moment: Milliseconds) -> str:
    """A time as a person writes it for readers anywhere: "at 9:35am UTC on Tuesday, 19th July 2005"."""
    time = datetime.fromtimestamp(moment // 1000, UTC)
    clock = f"{time.hour % 12 or 12}:{time.minute:02d}{'am' if time.hour < 12 else 'pm'}"
    return f"at {clock} UTC on {DAYS[time.weekday()]}, {_ordinal(time.day)} {MONTHS[time.month - 1]} {time.year}"


def _time(moment: Milliseconds) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(show.timestamp(moment), in_words(moment))


def _ordinal(day: int) -> str:
    ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def _counted(count: int) -> str:
    return f"{count or 'No'} comment{'' if count == 1 else 's'}"


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
