"""The look at feeds sees what it is for: each thing that may be wrong with one, also in a reply that any test reads."""

from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from service.model import Post, PostKey, SiteKey
from service.reading import atom
from service.settings import parse
from tests.auth.local_server import LocalServer, always
from tests.feeds import faults
from tests.harness import Gatepost, Hands, Person
from tests.reading.hostile import comment, identity
from tests.reading.test_atom import BLOG, OURS
from tests.web.plain_http import send
from tests.web.test_hatch import connection

ITEMS = [comment(2, published_at=1_121_765_760_000), comment(1)]
POST = Post(SiteKey("blog"), PostKey("post"), "A post", "https://blog.example/post")
GOOD = atom.of_post(
    parse({"sites": {"blog": {"name": "A blog"}}}).sites[BLOG], POST, ITEMS, namespace=OURS, address="/a"
).decode()
EARLIER, LATER = "2005-07-19T09:35:00.000Z", "2005-07-19T09:36:00.000Z"
ALTERNATE = '<link rel="alternate" type="text/html" href="https://blog.example/post"/>\n'
# What is replaced, what stands there then, and a part of what is said of it.
BROKEN = [
    ("</feed>", "", "is no XML"),
    ("<title>Comments", "<title>&nbsp;", "is no XML"),
    ("http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#", "feed"),
    ("<title>Comments on A post - A blog</title>\n", "", "feed"),
    ("<title>Comments on A post - A blog</title>", "<title> </title>", "title"),
    (f"<updated>{LATER}</updated>\n<link", "<link", "feed"),
    (LATER, "2005-07-19 09:36:00", "dateTime"),
    (LATER, "2005-07-19T09:36:00", "dateTime"),
    (LATER, "2005-02-30T09:36:00Z", "dateTime"),
    (f"<published>{EARLIER}", "<published>2005-07-19T09:35:30.000Z", "before it was published"),
    (f"<updated>{LATER}</updated>\n<author>", f"<updated>{EARLIER}</updated>\n<author>", "published"),
    (f"<updated>{EARLIER}", "<updated>2005-07-19T09:37:00.000Z", "order of their updates"),
    (f"<updated>{LATER}</updated>\n<link", f"<updated>{EARLIER}</updated>\n<link", "another moment"),
    (identity(2), identity(1), "2 times"),
    ("<name>Ada</name>", "", "author"),
    ("<author><name>Ada</name></author>\n", "", "entry"),
    ("</author>", "<uri>https://a.example/|</uri></author>", "no IRI"),
    ("</author>", "<uri>https://a.example/\u202e</uri></author>", "no IRI"),
    ("</author>", "<uri>/relative</uri></author>", "no IRI"),
    ('content type="html"', 'content type="text/html"', "content"),
    ("&lt;p&gt;", "&lt;p &lt;", "no HTML"),
    ("&lt;/p&gt;", "&lt;/div&gt;", "no HTML"),
    (ALTERNATE, ALTERNATE * 2, "has the links"),
    ('<link rel="self" type="application/atom+xml" href="/a"/>', "", "has the links"),
    ("<entry>", "<entry><link href='/b'/>", "link"),
    ("<entry>", "<entry><pubDate>now</pubDate>", "entry"),
    *(
        (f"post#comment-{identity(1)}", f"post?{one}", "")
        for one in ("|", "^", "`", "{}", "\\", "&#34;", " ", "[", "%")
    ),
]


def test_a_feed_of_ours_has_no_fault() -> None:
    assert list(faults(GOOD.encode())) == []


@pytest.mark.parametrize(("part", "instead", "said"), BROKEN)
def test_what_is_wrong_with_a_feed_is_seen(part: str, instead: str, said: str) -> None:
    assert part in GOOD
    found = list(faults(GOOD.replace(part, instead).encode()))
    assert found
    assert said in "\n".join(found)


async def test_whoever_reads_a_feed_for_a_test_looks_at_it() -> None:
    server = LocalServer()
    server.handlers["/feed"] = always(text=GOOD.replace("<name>", "<nick>"), content_type="application/atom+xml")
    await server.up()
    async with aiohttp.ClientSession(server.address) as session:
        gatepost = Gatepost(cast(Any, SimpleNamespace(address=server.address)), session, Hands())
        with pytest.raises(AssertionError, match="is no XML"):
            await Person(session).get("/feed")
        with pytest.raises(AssertionError, match="is no XML"):
            await send(gatepost, "GET", "/feed")
        async with connection(gatepost) as to:
            with pytest.raises(AssertionError, match="is no XML"):
                await to.ask("/feed")
    await server.close()
