"""Gatepost as it is, but with one commit for each write: the yardstick that `submissions.py` measures group commit by.

    python -m benchmarks.one_commit serve --config gatepost.toml

Every argument is handed to `gatepost`. Nothing else differs: the same handlers, statements and settings, and a commit
is as durable; only a batch never holds more than one unit of work.
"""

from service import __main__ as gatepost
from service.store import group_commit

if __name__ == "__main__":
    group_commit.MAX_BATCH = 1
    gatepost.main()
