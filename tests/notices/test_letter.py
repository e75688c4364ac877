"""What arrives at each kind of target: a comment cannot forge a header, a mention, a link or mark-up there."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import pytest

from service import settings
from service.model import Why
from service.notice_settings import NoticeSettings
from service.notices import letter, targets, words
from service.notices.digest import Digest, Piece
from service.notices.letter import Letter
from service.notices.timing import Waiting
from service.settings import Site
from tests.notices.post import VARIABLE, Chat, Post

NOW = 1_800_000_000_000
DESK = "https://comments.example/desk/blog/"
FORGERIES = {
    "header": "Hello\r\nBcc: everybody@evil.example\r\nSubject: Forged\r\n\r\nbody",
    "everyone": "@everyone @here @channel @room @all ＠everyone",
    "slack": "<!channel> <!here|here> <!everyone> <@U0123ABCD> <#C0123|general> <https://evil.example|click>",
    "slack, twice escaped": "&lt;!channel&gt; &amp;lt;!channel&amp;gt; &#60;!here&#62;",
    "discord": "<@123456789> <@!123456789> <@&123456789> <#123456789> <:party:123> </delete:123> <t:1:R>",
    "telegram": "/delete @admin #tag <a href='tg://user?id=1'>x</a> [x](tg://user?id=1) tg://resolve?domain=evil",
    "matrix": "@admin:evil.example #room:evil.example !id:evil.example https://matrix.to/#/@admin:evil.example",
    "link": "https://evil.example/ www.evil.example evil.example http://evil.example/decide?approve=1 evil。example",
    "markdown": "[click](https://evil.example) ![x](https://evil.example/x.png) <https://evil.example> [a]: https://evil.example",
    "emphasis": "**bold** __bold__ _it_ ~~gone~~ `code` ||spoiler||\n\n# Heading\n\n> quote\n\n1. one\n\n| a |",
    "html": "<script>alert(1)</script><img src=https://evil.example/x.png><b>bold</b><a href='https://evil.example'>x</a>",
    "hidden": "\u202ereversed\u202c zero\u200bwidth \u2066isolate \x00\x1b[31m",
    "template": "${PASSWORD} {{app_body}} {count} %s \\x40here \\u0040here",
}
FORGED = re.compile(
    r"[@＠](everyone|here|channel|room|all|admin)|<[!@#:/t]|&(amp;)*(lt|#60);!|tg:/|(?<![\w/])/delete|bcc: \S*@|"
    r"evil[.。]example|\]\(|\*\*|__|~~|\|\||`|(^|\n)\s*(#|>|1\.|\|)|<script|<img|<b>bold|\$\{|\{\{|[\u202a-\u202e\u200b\x00\x1b]",
    re.IGNORECASE,
)


@dataclass
class Arrived:
    """What came: texts as a program gets them, and which of them are HTML."""

    plain: list[str]
    html: list[str]


def a_site() -> Site:
    """A site, whose name is harmless."""
    return settings.parse({"sites": {"blog": {"name": "My blog"}}}).sites["blog"]


def a_notice(**wanted: Any) -> NoticeSettings:
    """A notice's settings."""
    return NoticeSettings.model_validate({"name": "moderators", "to_env": VARIABLE, **wanted})


def written(forged: str, **wanted: Any) -> Letter:
    """A notice about comments where everything that a reader gives is forged."""
    pieces = (Piece(forged, forged, forged, NOW - 60_000), Piece("Ada", "A post", "What a fine day.", NOW))
    found = Digest(Waiting(2, NOW - 60_000, NOW), {Why.AWAITING_APPROVAL: 1, Why.REPORTED: 1}, pieces)
    return letter.write(found, a_site(), a_notice(**wanted), public_url="https://comments.example")


class Tags(HTMLParser):
    """The tags of a text, the addresses that it links to, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: set[str] = set()
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links |= {value or "" for name, value in attributes if name in {"href", "src"}}

    def handle_data(self, data: str) -> None:
        self.words += data


def of_json(*names: str) -> Callable[[Chat], Arrived]:
    """What stands under these names, dots between."""

    def arrived(chat: Chat) -> Arrived:
        (call,) = chat.calls
        found = []
        for name in names:
            value: Any = call.json
            for step in name.split("."):
                value = value[int(step)] if step.isdigit() else value[step]
            found.append(value)
        return Arrived(found, [])

    return arrived


def as_html(arrived: Callable[[Chat], Arrived]) -> Callable[[Chat], Arrived]:
    """The same, where it is HTML."""
    return lambda chat: Arrived([], arrived(chat).plain)


# By format: the address (its host and port come in), and what arrived. Slack's, Discord's and
# Telegram's own hosts cannot be given: their part of Apprise is pointed to the server of the tests (`ELSEWHERE`).
FORMATS: dict[str, tuple[str, Callable[[Chat], Arrived]]] = {
    "text": ("json://{place}/hook", of_json("title", "message")),
    "markdown": ("json://{place}/hook?format=markdown", of_json("title", "message")),
    "html": ("json://{place}/hook?format=html", as_html(of_json("message"))),
    "slack": ("slack://T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX?footer=no", of_json("attachments.0.text")),
    "discord": ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", of_json("content")),
    "telegram": ("tgram://123456789:abcdefghijklmnopqrstuvwxyzABCDEFGHI/12345", as_html(of_json("text"))),
    "matrix": ("matrix://{place}/abcdefghijklmnop?mode=matrix", as_html(of_json("text"))),
    "mattermost": ("mmost://{place}/3ccdd113474722377935511fc85d3dd4", of_json("text")),
}
ELSEWHERE = {"slack": "webhook_url", "discord": "notify_url", "telegram": "notify_url"}


@pytest.fixture(params=list(FORMATS))
def target_format(request: pytest.FixtureRequest) -> str:
    """One of the formats."""
    return str(request.param)


@pytest.mark.parametrize("forged", list(FORGERIES))
async def test_a_comment_forges_nothing(
    target_format: str, forged: str, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, read = FORMATS[target_format]
    monkeypatch.setenv(VARIABLE, address.format(place=chat.place))
    (target,) = targets.open_all(a_notice())
    if target_format in ELSEWHERE:
        chat.says = "ok" if target_format == "slack" else None
        monkeypatch.setattr(target._service, ELSEWHERE[target_format], f"{chat.address}/bot")
    told = await target.send(written(FORGERIES[forged]))
    assert told.error is None
    arrived = read(chat)
    for text in arrived.plain:
        require_nothing_forged(text.replace(f"<{DESK}>", DESK))
    for text in arrived.html:
        tags = Tags(text)
        assert tags.tags <= {"p", "ul", "li", "a", "h1", "br", "b", "i"}
        assert tags.links <= {DESK}
        require_nothing_forged(tags.words)
    whole = "".join(arrived.plain + arrived.html)
    assert "What a fine day." in whole.replace("\\", "")
    assert DESK in whole
    assert "allow_mentions" not in (chat.calls[0].json or {})


def require_nothing_forged(text: str) -> None:
    """Nothing in it but our own link means anything."""
    found = FORGED.search(text.replace(DESK, ""))
    assert found is None, (found, text)
    assert set(re.findall(r"\w+://\S+", text)) <= {DESK}


@pytest.mark.parametrize("kind", ["text", "html"])
@pytest.mark.parametrize("forged", list(FORGERIES))
async def test_a_comment_forges_nothing_in_a_mail(
    forged: str, kind: str, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = f"from=gatepost@blog.example&to=mo@blog.example&mode=insecure&format={kind}"
    monkeypatch.setenv(VARIABLE, f"mailto://127.0.0.1:{post.port}/?{wanted}")
    (target,) = targets.open_all(a_notice())
    assert (await target.send(written(FORGERIES[forged]))).error is None
    (mail,) = post.mails
    assert mail["Subject"] == "2 comments wait on My blog"
    assert (mail["To"], mail["Bcc"], mail["Cc"]) == ("mo@blog.example", None, None)
    for part in mail.walk():
        if part.get_content_type() == "text/html":
            tags = Tags(part.get_content())
            assert tags.links <= {DESK}
            assert not tags.tags & {"script", "img", "b", "h2", "blockquote"}
            require_nothing_forged(tags.words)
        elif part.get_content_type() == "text/plain":
            require_nothing_forged(part.get_content())
    (shown,) = [part for part in mail.walk() if part.get_content_type() == f"text/{kind.replace('text', 'plain')}"]
    assert "What a fine day." in shown.get_content()
    assert DESK in shown.get_content()


def test_it_says_how_many_since_when_why_and_what() -> None:
    found = written("Ada", time_zone="Asia/Kolkata", language="de")
    assert found.title == "2 Kommentare warten auf My blog"
    text = found.body("text")
    assert "seit 2027-01-15 13:29 (UTC+0530)" in text
    assert "jeder Kommentar wird erst angesehen: 1" in text
    assert "von Lesern gemeldet: 1" in text
    assert text.endswith(DESK)
    assert "/desk/" not in letter.write(
        Digest(Waiting(1, NOW, NOW), {}, ()), a_site(), a_notice(), public_url=None
    ).body("text")


def test_both_languages_say_the_same_things() -> None:
    english, german = (words._words(language) for language in ("en", "de"))
    assert english.keys() == german.keys()
    assert {f"reason.{why}" for why in Why} <= english.keys()
    for name in english:
        assert set(re.findall(r"\{\w+\}", english[name])) == set(re.findall(r"\{\w+\}", german[name])), name
