"""The embed's files: joined without a bundler, served for every page, printed as a tag, copied."""

import base64
import gzip
import hashlib
import json
import re
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import brotli
import pytest

from service.checkup import copies
from service.checkup.finding import Outcome
from service.embed import joining
from service.embed.bundle import LANGUAGES, PARTS, bundle
from service.embed.joining import JoinError, join, join_part
from service.text import render
from tests.harness import Gatepost

ROOT = Path(__file__).parents[2]
FILES = ["embed.js", "count.js", *PARTS, *(f"{language}.json" for language in LANGUAGES)]


# --- Joining ----------------------------------------------------------------------------------------------------------


def joined(files: Mapping[str, str]) -> str:
    return join("a.js", lambda name: files[name])


def test_modules_are_joined_in_the_order_of_their_need() -> None:
    files = {
        "a.js": '// A sentence.\n\nimport { b } from "./b.js";\nimport { c } from "./c.js";\n'
        "export const a = () => b + c;\n",
        "b.js": 'import { c } from "./c.js";\n\nexport const b = c + 1;\n',
        "c.js": "export class C {\n  // Why.\n  one = 1;\n}\nexport const c = 1;\n",
    }
    assert joined(files) == "class C{one=1}const c=1;const b=c + 1;const a=()=>b + c;\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"a.js": 'import { b } from "./b.js";\nconst x = 1;\n', "b.js": "const x = 2;\nexport const b = x;\n"},
            "x is a name",
        ),
        (
            {"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\nexport const b = 1;\n'},
            "each other",
        ),
        ({"a.js": 'import { b } from "./b.js";\n', "b.js": "const b = 1;\n"}, "does not export"),
        ({"a.js": 'import * as b from "./b.js";\n'}, "cannot be joined"),
        ({"a.js": 'import { b as c } from "./b.js";\n'}, "cannot be joined"),
        ({"a.js": 'export { b } from "./b.js";\n'}, "cannot be joined"),
        ({"a.js": "export default 1;\n"}, "cannot be joined"),
        ({"a.js": 'const a = "//"; // Why.\nconst b = /[/]/;\n'}, r"lines of its own: // Why\."),
    ],
)
def test_what_cannot_be_joined_is_refused(files: Mapping[str, str], said: str) -> None:
    with pytest.raises(JoinError, match=said):
        joined(files)


def test_the_manual_says_what_a_page_loads() -> None:
    manual = (ROOT / "docs" / "embed.md").read_text("utf-8")
    for name in ("embed.js", "count.js", *PARTS):
        [said] = re.findall(rf"^\| `{name}` \| .* \| ([\d,]+) \|$", manual, re.MULTILINE)
        compressed = len(bundle().files[name].codings["gzip"])
        assert int(said.replace(",", "")) == pytest.approx(compressed, rel=0.04), name


def test_white_space_that_means_something_stays() -> None:
    text = (
        "const a = \"a  =  b; }\" + `c { ${b} ; d` + 'e , f';\n"
        'const e = (x) => /[ /"]{2} , "/.test(x) ? a - -1 : a / 2;\n'
    )
    assert joined({"a.js": text}) == (
        'const a="a  =  b; }" + `c { ${b} ; d` + \'e , f\';const e=(x)=>/[ /"]{2} , "/.test(x)?a - -1:a / 2;\n'
    )


def test_a_template_holds_no_braces_in_its_braces() -> None:
    with pytest.raises(JoinError, match="braces in the braces"):
        joined({"a.js": "const a = `${b({ c })}`;\n"})


def test_a_part_takes_what_the_script_has() -> None:
    files = {
        "a.js": 'import { b } from "./b.js";\nimport { SHARED } from "./shared.js";\nconst a = [b, SHARED];\n',
        "b.js": "export const b = 1;\nexport const c = 2;\n",
        "shared.js": 'import { b } from "./b.js";\nexport const SHARED = { b };\n',
        "part.js": 'import { b } from "./b.js";\nimport { d } from "./d.js";\nexport const PART = { e: b + d };\n',
        "d.js": "export const d = 4;\n",
    }
    part = join_part("part.js", "a.js", lambda name: files[name])
    assert part == "export const start=({b})=>{const d=4;const PART={e:b + d};return PART};\n"
    files["d.js"] = 'import { c } from "./b.js";\nexport const d = c;\n'
    with pytest.raises(JoinError, match="does not share c"):
        join_part("part.js", "a.js", lambda name: files[name])
    files["d.js"] = "export const d = 4;\nconst b = 5;\n"
    with pytest.raises(JoinError, match=r"b is a name in shared\.js and in d\.js"):
        join_part("part.js", "a.js", lambda name: files[name])


def test_what_is_served_needs_no_other_file() -> None:
    for name in ("embed.js", "count.js", *PARTS):
        text = bundle().files[name].body.decode()
        assert not re.search(r"\bimport\s*[{*\"]|\bfrom\"", text)
        assert "eval(" not in text
        assert "innerHTML" not in text


def test_every_module_is_part_of_a_script() -> None:
    sources = {path.name for path in joining.SOURCE.glob("*.js")}
    needed = {"embed.js", "count.js", *PARTS}
    while (
        more := {
            found["module"]
            for name in needed
            for line in joining.read_source(name).splitlines()
            if (found := joining.IMPORT.fullmatch(line))
        }
        - needed
    ):
        needed |= more
    assert sources == needed


# --- What the files say -----------------------------------------------------------------------------------------------


def english_words() -> dict[str, str]:
    """Those of the script and of its parts."""
    return {
        key: text
        for name in ("en", "en-later", "en-writing")
        for key, text in json.loads(joining.read_source(f"words/{name}.json")).items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_says_all_that_english_says(language: str) -> None:
    english, other = english_words(), json.loads(joining.read_source(f"words/{language}.json"))
    plural = {key.partition(".")[0] for key in english if "." in key}
    assert {key for key in other if "." not in key} == {key for key in english if "." not in key}
    assert {key.partition(".")[0] for key in other if "." in key} == plural
    assert all(f"{key}.other" in other for key in plural)
    for key, text in english.items():
        if "." not in key:
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", other[key])), key


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_the_fragment_and_the_embed_say_the_same(language: str) -> None:
    fragment = json.loads((ROOT / "service" / "reading" / "languages" / f"{language}.json").read_text("utf-8"))
    embed = english_words() if language == "en" else json.loads(joining.read_source(f"words/{language}.json"))
    shared = {key for key in fragment if key.startswith("count.")} | {
        "closed",
        "login",
        "edited",
        "answers",
        "removed",
        "more",
    }
    assert {key: embed[key] for key in shared} == {key: fragment[key] for key in shared}


def test_the_count_alone_says_what_english_says() -> None:
    english = english_words()
    for form in ("zero", "one", "other"):
        assert f'{form}: "{english[f"count.{form}"]}"' in joining.read_source("counts.js")


def test_the_allow_list_of_the_page_is_that_of_the_sanitiser() -> None:
    listed: dict[str, dict[str, str]] = json.loads(joining.read_source("allowed.json"))
    allowed: dict[str, dict[str, str]] = {tag: {} for tag in render._ALLOWED_TAGS}
    for (tag, attribute), pattern in render._ALLOWED_VALUES.items():
        allowed[tag][attribute] = pattern.pattern.replace("\\ ", " ")
    allowed["a"]["href"] = listed["a"]["href"]  # which hosts there are only the service knows
    assert listed == allowed
    href = re.compile(listed["a"]["href"], re.IGNORECASE)
    assert [bool(href.fullmatch(address)) for address in ("https://a.example/?b=c#d", "mailto:a@b.example")] == [
        True,
        True,
    ]
    assert not any(
        href.fullmatch(address) for address in ("javascript:alert(1)", "data:text/html,x", "//a.example", "/a")
    )


# --- How they are served ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
async def test_files_are_for_every_page_and_keep_for_an_hour(gatepost: Gatepost, name: str, coding: str) -> None:
    answer = await gatepost.session.get(
        f"/embed/v1/{name}?v=3", headers={"Accept-Encoding": coding, "Origin": "https://anywhere.example"}
    )
    body = await answer.read()
    assert answer.status == 200
    assert body == bundle().files[name].body
    assert answer.headers["Cache-Control"] == "public, max-age=3600, stale-while-revalidate=86400"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Timing-Allow-Origin"] == "*"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers.get("Content-Encoding", "identity") == coding
    assert "Content-Length" in answer.headers
    assert "Set-Cookie" not in answer.headers
    kind = "text/javascript" if name.endswith(".js") else "application/json"
    assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
    again = await gatepost.session.get(
        f"/embed/v1/{name}", headers={"Accept-Encoding": coding, "If-None-Match": answer.headers["ETag"]}
    )
    assert (again.status, await again.read()) == (304, b"")


async def test_the_pinned_address_keeps_for_ever_and_knows_no_other_version(gatepost: Gatepost) -> None:
    pin = hashlib.sha256(bundle().files["embed.js"].body).hexdigest()[:16]
    for name in FILES:
        answer = await gatepost.visitor.get(f"/embed/v1/{pin}/{name}")
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
    unknown = await gatepost.visitor.get("/embed/v1/0123456789abcdef/embed.js")
    assert (unknown.status, unknown.code) == (404, "not-found")
    assert "no-store" in unknown.headers["Cache-Control"]
    assert unknown.headers["Access-Control-Allow-Origin"] == "*"
    assert (await gatepost.visitor.get("/embed/v1/other.js")).status == 404


async def test_the_short_address_is_the_same_script(gatepost: Gatepost) -> None:
    assert (await gatepost.visitor.get("/embed.js")).body == (await gatepost.visitor.get("/embed/v1/embed.js")).body


def test_codings_hold_the_file() -> None:
    for file in bundle().files.values():
        assert gzip.decompress(file.codings["gzip"]) == brotli.decompress(file.codings["br"]) == file.body


@pytest.mark.parametrize(("name", "most"), [("embed.js", 12_288), ("count.js", 1_229)])
def test_the_scripts_are_small(name: str, most: int) -> None:
    assert len(gzip.compress(bundle().files[name].body, compresslevel=9)) <= most


# --- The command ------------------------------------------------------------------------------------------------------


SERVED = 'public_url = "https://blog.example/talk"'


def gatepost_embed(
    folder: Path, *arguments: str, server: str = SERVED, more: str = "", largest: int = resource.RLIM_INFINITY
) -> Any:
    """Run the command; `largest` is how many bytes a file that it writes may have."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

    config = folder / "gatepost.toml"
    config.write_text(f'[server]\n{server}\n[sites.blog]\nname = "A blog"\n{more}')
    command = [sys.executable, "-m", "service", "embed", "--config", str(config), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, preexec_fn=limit)


def test_the_command_prints_the_tag_with_its_integrity(tmp_path: Path) -> None:
    answer = gatepost_embed(tmp_path)
    digest = base64.b64encode(hashlib.sha384(bundle().files["embed.js"].body).digest()).decode()
    assert answer.returncode == 0, answer.stderr
    assert f'src="https://blog.example/talk/embed/v1/{bundle().pin}/embed.js"' in answer.stdout
    assert f'integrity="sha384-{digest}" crossorigin></script>' in answer.stdout
    assert '<gatepost-comments site="blog" post=' in answer.stdout


def test_the_command_writes_an_own_copy(tmp_path: Path) -> None:
    answer = gatepost_embed(tmp_path, "--copy", str(tmp_path / "static"))
    assert answer.returncode == 0, answer.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "static").iterdir()} == {
        name: file.body for name, file in bundle().files.items()
    }
    assert 'service="https://blog.example/talk/"' in answer.stdout


def test_the_command_asks_which_site_is_meant_where_there_are_several(tmp_path: Path) -> None:
    several = '[sites.other]\nname = "Another blog"\n'
    answer = gatepost_embed(tmp_path, more=several)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "--site (there: blog, other)" in answer.stderr
    assert 'site="other"' in gatepost_embed(tmp_path, "--site", "other", more=several).stdout


@pytest.mark.parametrize(("host", "place"), [("::", "[::1]"), ("::1", "[::1]"), ("127.0.0.1", "127.0.0.1")])
def test_the_command_gives_an_address_that_a_browser_can_open(tmp_path: Path, host: str, place: str) -> None:
    answer = gatepost_embed(tmp_path, server=f'host = "{host}"')
    assert f'src="http://{place}:8080/embed/v1/' in answer.stdout


def test_a_copy_that_cannot_be_written_whole_leaves_the_one_that_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "embed.js").write_text("// of last year")
    answer = gatepost_embed(tmp_path, "--copy", str(folder), largest=1000)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "cannot be written (File too large)" in answer.stderr
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"embed.js": "// of last year"}


def test_the_check_sees_whether_a_copy_is_of_this_version(tmp_path: Path) -> None:
    assert gatepost_embed(tmp_path, "--copy", str(tmp_path / "static")).returncode == 0
    [finding] = copies.examine(tmp_path / "static")
    assert finding.outcome is Outcome.OK
    (tmp_path / "static" / "embed.js").write_text("// of last year")
    [finding] = copies.examine(tmp_path / "static")
    assert finding.outcome is Outcome.WARN
    assert "embed.js" in finding.text
    assert "gatepost embed --copy" in finding.fix
