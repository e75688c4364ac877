"""The command `gatepost`, which is also `python -m service`.

`gatepost health` goes its own way: reading the command line alone takes more imports than that command may have.
"""

import gc
import os
import sys

COLLECT_AFTER = 10_000
"""Objects made and not freed before Python looks for cycles among them: a request makes hundreds, and frees them; an
import makes thousands, and keeps them."""


def main() -> None:
    """Run the command that the words on the command line name."""
    gc.set_threshold(COLLECT_AFTER)
    if os.getpid() == 1:
        _end_when_asked()
    if sys.argv[1:2] == ["health"]:
        from service import cli_health

        status = cli_health.status_for(sys.argv[2:])
        if status is not None:
            raise SystemExit(status)
    from service import cli

    cli.main()


def _end_when_asked() -> None:
    """The first process of a container does not end by a signal that it has no handler for: Docker would wait, and kill
    it. What serves has handlers of its own, but not yet while it is imported; the other commands have none."""
    import signal

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


if __name__ == "__main__":
    main()
