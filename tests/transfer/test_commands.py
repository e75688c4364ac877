"""`gatepost import` and `gatepost export` as an operator types them."""

import json
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from service.store.sqlite import lock
from tests.test_cli import command, environment
from tests.transfer.bringing import digest
from tests.transfer.made_up import wordpress

CONFIGURATION = """
[database]
url = "sqlite:///{folder}/{store}.db"
[sites.blog]
name = "A blog"
origins = ["https://blog.example"]
"""
Finished = subprocess.CompletedProcess[str]


@pytest.fixture
def gatepost(tmp_path: Path) -> Callable[..., Finished]:
    """Runs a command on a store of this name, with a made-up export of WordPress beside it."""
    (tmp_path / "export.xml").write_bytes(b"".join(wordpress(120)))

    def run(*words: str, store: str = "one") -> Finished:
        (tmp_path / "gatepost.toml").write_text(CONFIGURATION.format(folder=tmp_path, store=store))
        finished = subprocess.run(
            command(*words),
            cwd=tmp_path,
            env=environment({}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in finished.stderr, finished.stderr
        return finished

    return run


@pytest.mark.slow
def test_an_import_is_told_asked_for_done_once_and_taken_back(
    gatepost: Callable[..., Finished], tmp_path: Path
) -> None:
    shown = gatepost("import", "auto", "export.xml", "--dry-run")
    assert (shown.returncode, shown.stdout.splitlines()[:2]) == (
        0,
        [
            "Read as wordpress: export.xml",
            "Comments: 120 (108 approved, 6 pending, 6 spam), people: 120, posts: 3.",
        ],
    )
    refused = gatepost("import", "wordpress", "export.xml")
    assert (refused.returncode, refused.stdout) == (2, "")
    done = gatepost("import", "wordpress", "export.xml", "--yes", "--report", "report.json")
    assert done.stdout.splitlines()[0] == "Brought: 120 new, 0 anew; 0 were here already."
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["new"], report["comments"], [post["key"] for post in report["posts"]]) == (
        120,
        120,
        ["/post-0", "/post-1", "/post-2"],
    )
    again = gatepost("import", "wordpress", "export.xml", "--yes")
    assert again.stdout.splitlines() == ["Brought: 0 new, 0 anew; 120 were here already."]
    undone = gatepost("import", "--undo", report["batch"], "--yes")
    assert (undone.returncode, undone.stdout) == (0, "Taken out: 120.\n")


@pytest.mark.slow
def test_a_dry_run_takes_nothing_back_and_an_update_alone_is_no_batch(
    gatepost: Callable[..., Finished], tmp_path: Path
) -> None:
    gatepost("import", "wordpress", "export.xml", "--yes", "--report", "report.json")
    batch = json.loads((tmp_path / "report.json").read_text())["batch"]
    dry = gatepost("import", "--undo", batch, "--dry-run", "--yes")
    assert (dry.returncode, dry.stdout) == (0, f"{batch} brought 120 comments that are here.\n")
    odd = gatepost("import", "wordpress", "export.xml", "--undo", batch, "--yes")
    assert (odd.returncode, odd.stderr) == (2, "--undo takes no files: it takes back what that import brought\n")
    path = tmp_path / "export.xml"
    path.write_bytes(path.read_bytes().replace(b"my stop. The", b"my stop twice. The"))
    updated = gatepost("import", "wordpress", "export.xml", "--yes", "--update")
    assert updated.stdout == "Brought: 0 new, 120 anew; 0 were here already.\n"
    assert "--undo" not in updated.stderr
    assert gatepost("import", "--undo", batch, "--yes").stdout == "Taken out: 120.\n"


@pytest.mark.slow
def test_a_site_goes_out_and_comes_back_by_commands(gatepost: Callable[..., Finished], tmp_path: Path) -> None:
    gatepost("import", "wordpress", "export.xml", "--yes")
    for name in ("whole.jsonl.zst", "whole.jsonl.gz", "whole.jsonl"):
        (tmp_path / name).touch(0o644)
        assert gatepost("export", "site", name, "--people").returncode == 0
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert gatepost("import", "gatepost", "whole.jsonl.gz", "--yes", store="two").returncode == 0
    assert gatepost("import", "gatepost", "whole.jsonl.zst", "--yes", store="three").returncode == 0
    stores = [f"sqlite:///{tmp_path}/{name}.db" for name in ("one", "two", "three")]
    header = json.loads((tmp_path / "whole.jsonl").read_text("utf-8").splitlines()[0])
    assert {digest(store) for store in stores} == {header["digest"]}


@pytest.mark.slow
def test_a_file_that_a_server_holds_is_left_alone(gatepost: Callable[..., Finished], tmp_path: Path) -> None:
    lock(tmp_path / "one.db")
    refused = gatepost("import", "wordpress", "export.xml", "--yes")
    assert refused.returncode == 1
    assert "another Gatepost is using this file" in refused.stderr
