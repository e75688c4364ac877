"""What people wrote into WordPress' comment forms and what its themes and plugins made of it, and how it reads here.

Each shape is HTML as it stands in an export, and the CommonMark that is made of it; `{a}` and `{b}` stand for words.
"""

from typing import Final

WORDS: Final = [
    # as it stands in HTML, as it stands in CommonMark
    ("Nice post", "Nice post"),
    ("Grüße aus Köln", "Grüße aus Köln"),
    ("読みました", "読みました"),
    ("2 * 3 and snake_case", "2 \\* 3 and snake_case"),
    ("a &lt; b &amp;&amp; c", "a < b && c"),
]
SHAPES: Final[dict[str, tuple[str, str]]] = {
    "one line": ("{a}", "{a}"),
    "blanks around": ("\n   {a}  \n", "{a}"),
    "two lines": ("{a}\n{b}", "{a}  \n{b}"),
    "two lines from Windows": ("{a}\r\n{b}", "{a}  \n{b}"),
    "two paragraphs": ("{a}\n\n{b}", "{a}\n\n{b}"),
    "many empty lines": ("{a}\n\n \n\n{b}", "{a}\n\n{b}"),
    "paragraphs as elements": ("<p>{a}</p>\n<p>{b}</p>", "{a}\n\n{b}"),
    "breaks as elements": ("{a}<br />\n{b}<br>{a}", "{a}  \n{b}  \n{a}"),
    "two breaks": ("{a}<br /><br />{b}", "{a}\n\n{b}"),
    "strong": ("<strong>{a}</strong> {b}", "**{a}** {b}"),
    "strong, the old way": ("<b>{a}</b> {b}", "**{a}** {b}"),
    "emphasis": ("{a} <em>{b}</em>", "{a} *{b}*"),
    "emphasis over paragraphs": ("<i>{a}\n\n{b}</i>", "*{a}*\n\n*{b}*"),
    "emphasis with blanks inside": ("{a}<em> {b} </em>{a}", "{a} *{b}* {a}"),
    "emphasis that CommonMark cannot close": ("<b>{a}:</b>{b}", "{a}:{b}"),
    "strike": ("<del>{a}</del> <strike>{b}</strike>", "{a} {b}"),
    "what WordPress allows and nobody uses": ('<abbr title="x">{a}</abbr> <q>{b}</q>', '{a} "{b}"'),
    "link": ('<a href="https://x.example/a" rel="nofollow">{a}</a>, {b}', "[{a}](https://x.example/a), {b}"),
    "link with a query": ('<a href="https://x.example/?a=1&amp;b=2">{a}</a>', "[{a}](https://x.example/?a=1&b=2)"),
    "link with brackets": ('<a href="https://x.example/a_(b)">{a}</a>', "[{a}](https://x.example/a_%28b%29)"),
    "link whose text is its address": (
        '<a href="https://x.example/" rel="nofollow">https://x.example/</a> {a}',
        "https://x.example/ {a}",
    ),
    "bare address": ("{a} https://x.example/a_b*c?d=e {b}", "{a} https://x.example/a_b*c?d=e {b}"),
    "link to nowhere": ('<a href="javascript:alert(1)">{a}</a> <a>{b}</a>', "{a} {b}"),
    "link within the site": ('<a href="#comment-5">@Ada</a> {a}', "@Ada {a}"),
    "quotation": ("<blockquote>{a}</blockquote>\n{b}", "> {a}\n\n{b}"),
    "quotation of two lines": ("<blockquote>{a}\n{b}</blockquote>", "> {a}  \n> {b}"),
    "quotation of two paragraphs": ("<blockquote>{a}\n\n{b}</blockquote>", "> {a}\n>\n> {b}"),
    "quotation with its source": (
        '<blockquote cite="#commentbody-1">\n<strong><a href="#comment-1">Ada</a> :</strong>{a}</blockquote>\n\n{b}',
        "> Ada :{a}\n\n{b}",
    ),
    "quotation in a quotation": (
        "<blockquote>{a}<blockquote>{b}</blockquote></blockquote>",
        "> {a}\n> > {b}",
    ),
    "code": ("{a} <code>x_y &lt; *z</code> {b}", "{a} `x_y < *z` {b}"),
    "code with a backtick": ("<code>a`b</code>", "`` a`b ``"),
    "code of two lines": ("{a}\n<code>if x:\n    y &amp; z</code>\n{b}", "{a}\n\n```\nif x:\n    y & z\n```\n\n{b}"),
    "code with breaks": ("<code>a<br />\nb</code>", "```\na\nb\n```"),
    "preformatted": ("{a}\n<pre>\n  a\n\n\n  b\n</pre>\n{b}", "{a}\n\n```\n  a\n\n\n  b\n```\n\n{b}"),
    "preformatted with a language": (
        '<pre><code class="language-php">&lt;?php echo 1;</code></pre>',
        "```php\n<?php echo 1;\n```",
    ),
    "shortcode of code": (
        '[code lang="css"]a { b: c }[/code] {a}'.replace("{ b: c }", "{{ b: c }}"),
        "```\na {{ b: c }}\n```\n\n{a}",
    ),
    "shortcode nobody knows": ("{a} [gallery ids=5] <b>{b}</b>", "{a} \\[gallery ids=5] **{b}**"),
    "shortcode around an address": ("[embed]https://x.example/v[/embed]\n{a}", "https://x.example/v  \n{a}"),
    "list": ("{a}\n<ul>\n\t<li>{a}</li>\n\t<li>{b}</li>\n</ul>\n{b}", "{a}\n\n- {a}\n- {b}\n\n{b}"),
    "numbered list": ("<ol>\n<li>{a}</li>\n<li>{b}</li>\n</ol>", "1. {a}\n2. {b}"),
    "list typed by hand": ("1. {a}\n2. {b}\n- {a}\n* {b}", "1\\. {a}  \n2\\. {b}  \n\\- {a}  \n\\* {b}"),
    "heading": ("<h3>{a}</h3>\n{b}", "### {a}\n\n{b}"),
    "heading typed by hand": ("# {a}\n\n{b}\n===", "\\# {a}\n\n{b}  \n\\==="),
    "smiley": (
        '{a} <img src="https://x.example/wp-includes/images/smilies/icon_wink.gif" alt=";)" class="wp-smiley" /> {b}',
        "{a} ;) {b}",
    ),
    "emoji": (
        '{a} <img class="emoji" alt="😀" src="https://s.w.org/images/core/emoji/72x72/1f600.png" />',
        "{a} 😀",
    ),
    "smiley typed by hand": ("{a} :-) <3 >:( ^_^", "{a} :-) <3 >:( ^\\_^"),
    "picture": ('<img src="https://x.example/a.png" alt="{a}" />', "[{a}](https://x.example/a.png)"),
    "picture without words": (
        '{a} <img src="https://x.example/a.png">',
        "{a} https://x.example/a.png",
    ),
    "picture in a link": (
        '<a href="https://x.example/"><img src="https://x.example/a.png" alt="{a}"></a>',
        "[{a}](https://x.example/)",
    ),
    "wp-embed": (
        '<blockquote class="wp-embedded-content"><a href="https://x.example/p">{a}</a></blockquote>'
        '<script src="https://x.example/wp-embed.min.js"></script>'
        '<iframe class="wp-embedded-content" sandbox src="https://x.example/p/embed" title="x"></iframe>\n{b}',
        "> [{a}](https://x.example/p)\n\n{b}",
    ),
    "film in a frame": (
        '{a}\n<iframe width="560" src="https://video.example/embed/1" allowfullscreen></iframe>',
        "{a}  \nhttps://video.example/embed/1",
    ),
    "blocks": (
        "<!-- wp:paragraph -->\n<p>{a}</p>\n<!-- /wp:paragraph -->\n\n<!-- wp:quote -->\n"
        '<blockquote class="wp-block-quote"><p>{b}</p></blockquote>\n<!-- /wp:quote -->',
        "{a}\n\n> {b}",
    ),
    "table": (
        "<table><tr><th>{a}</th><th>{b}</th></tr>\n<tr><td>1</td><td>2</td></tr></table>",
        "{a} | {b}  \n1 | 2",
    ),
    "no tag at all": (
        "use <stdio.h> and List<String> or <your name>: {a}",
        "use \\<stdio.h> and List\\<String> or \\<your name>: {a}",
    ),
    "tag that nobody closed": ("{a} <b>{b}", "{a} **{b}**"),
    "tag that was cut off": ('{a} <a href="https://x.exam', '{a} \\<a href="https://x.exam'),
    "script": ("{a}<script>alert(1)</script>{b}", "{a}{b}"),
    "script as text": ("&lt;script&gt;alert(1)&lt;/script&gt; {a}", "\\<script>alert(1)\\</script> {a}"),
    "entities": ("{a} &#8230; &nbsp;&eacute; &quot;x&quot; &amp;amp;", '{a} … \xa0é "x" \\&amp;'),
    "footnote": ("{a} [1]\n\n[1]: https://x.example/", "{a} \\[1]\n\n\\[1]: https://x.example/"),
    "markdown typed by hand": ("**{a}** `x` ![y](z)", "\\*\\*{a}\\*\\* \\`x\\` !\\[y](z)"),
    "colours and sizes": ('<span style="color:red"><font size="7">{a}</font></span> <u>{b}</u>', "{a} {b}"),
}
