"""Runs a program again and again, each time in a fresh process that has its imports already: they take seconds.

For tests that start the same few lines dozens of times, to kill them or to look at their memory.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

FORKS: Final = """
import json, os, sys
program = compile(sys.argv[1], "<program>", "exec")
exec("\\n".join(line for line in sys.argv[1].splitlines() if line.startswith(("import ", "from "))))
for asked in sys.stdin:
    words, out, err = json.loads(asked)
    if child := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    sys.argv[1:] = words
    for number, path in enumerate([os.devnull, out, err]):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC), number)
    exec(program, {"__name__": "__main__"})
    break
"""
"""Imports what the program does, then forks for each line that comes; the child runs the program, and ends as usual."""


class Forked:
    """A program whose imports are made."""

    def __init__(self, folder: Path, asked: IO[str], statuses: IO[str]) -> None:
        self._folder = folder
        self._asked = asked
        self._statuses = statuses

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One run to its end, with these words on its command line."""
        out, err = self._folder / "out", self._folder / "err"
        print(json.dumps([words, str(out), str(err)]), file=self._asked, flush=True)
        status = self._statuses.readline()
        return subprocess.CompletedProcess(words, int(status), out.read_text(), err.read_text())


@contextmanager
def forked(program: str, folder: Path, environment: Mapping[str, str]) -> Iterator[Forked]:
    """The program, ready to run. What it prints goes through files in `folder`."""
    words = [sys.executable, "-c", FORKS, program]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Forked(folder, process.stdin, process.stdout)
