"""A digest in words, as one title and one body in each of the three formats that targets take: text, Markdown, HTML.

Readers' words are `inert` in all of them. What the letter adds itself are paragraphs, lists, and one link: to the
desk, where somebody logs in and decides. No link changes anything, because programs follow the links of mails.
"""

import html
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final, Literal
from zoneinfo import ZoneInfo

from service.model import Milliseconds
from service.notice_settings import NoticeSettings
from service.notices import words
from service.notices.digest import Digest, Piece
from service.notices.inert import inert
from service.settings import Site

Format = Literal["text", "markdown", "html"]
LONGEST_TEXT, LONGEST_NAME = 200, 80
DESK: Final = "desk"


@dataclass(frozen=True, slots=True)
class Letter:
    """What is said: a title, and paragraphs, of which some are lists. `link`: to the desk, if it has an address."""

    title: str
    paragraphs: tuple[str | tuple[str, ...], ...]
    link: str | None

    def body(self, wanted: Format) -> str:
        """All but the title."""
        match wanted:
            case "html":
                return "".join(map(_html, self.paragraphs)) + (_html_link(self.link) if self.link else "")
            case "markdown":
                return "\n\n".join([*map(_lines, self.paragraphs), *([f"<{self.link}>"] if self.link else [])])
            case "text":
                return "\n\n".join([*map(_lines, self.paragraphs), *([self.link] if self.link else [])])


def write(digest: Digest, site: Site, settings: NoticeSettings, *, public_url: str | None) -> Letter:
    """The notice that so much waits."""
    say, time = partial(words.say, settings.language), partial(_time, zone=zone_of(settings, site))
    name, number = inert(site.name, most=LONGEST_NAME), digest.waiting.number
    reasons = (say(f"reason.{code}", count=count) for code, count in sorted(digest.reasons.items()))
    link = _desk(site, public_url)

    def shown(piece: Piece) -> str:
        author, post = inert(piece.author, most=LONGEST_NAME), inert(piece.post, most=LONGEST_NAME)
        text = inert(piece.text, most=LONGEST_TEXT)
        return say("piece", author=author, post=post, time=time(piece.since), text=text)

    return Letter(
        title=say(f"title.{words.plural(number)}", count=number, site=name),
        paragraphs=(
            say("since", time=time(digest.waiting.oldest)),
            say("why"),
            tuple(reasons),
            say("oldest"),
            tuple(map(shown, digest.oldest)),
            *((say("desk"),) if link else ()),
        ),
        link=link,
    )


def trial(digest: Digest | None, site: Site, settings: NoticeSettings, *, public_url: str | None) -> Letter:
    """What is sent to see whether it arrives: the notice as it would be now."""
    say, name = partial(words.say, settings.language), inert(site.name, most=LONGEST_NAME)
    title = say("trial.title", site=name)
    if digest is None:
        return Letter(title, (say("trial"), say("nothing", site=name)), _desk(site, public_url))
    usual = write(digest, site, settings, public_url=public_url)
    return Letter(title, (say("trial"), f"{usual.title}.", *usual.paragraphs), usual.link)


def zone_of(settings: NoticeSettings, site: Site) -> ZoneInfo:
    """The time zone of a notice: its own, else its site's."""
    return ZoneInfo(settings.time_zone or site.time_zone)


def _desk(site: Site, public_url: str | None) -> str | None:
    return f"{public_url}/{DESK}/{site.key}/" if public_url else None


def _time(moment: Milliseconds, *, zone: ZoneInfo) -> str:
    local = datetime.fromtimestamp(moment / 1000, UTC).astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M} (UTC{local:%z})"


def _lines(paragraph: str | tuple[str, ...]) -> str:
    return paragraph if isinstance(paragraph, str) else "\n".join(f"- {item}" for item in paragraph)


def _html(paragraph: str | tuple[str, ...]) -> str:
    if isinstance(paragraph, str):
        return f"<p>{html.escape(paragraph)}</p>"
    return f"<ul>{''.join(_items(paragraph))}</ul>"


def _items(paragraph: Iterable[str]) -> Iterable[str]:
    return (f"<li>{html.escape(item)}</li>" for item in paragraph)


def _html_link(link: str) -> str:
    return f'<p><a href="{html.escape(link)}">{html.escape(link)}</a></p>'
