"""The command `gatepost`, which is also `python -m service`.

`gatepost health` goes its own way: reading the command line alone takes more imports than that command may have.
"""

import sys


def main() -> None:
    """Run the command that the words on the command line name."""
    if sys.argv[1:2] == ["health"]:
        from service import cli_health

        status = cli_health.status_for(sys.argv[2:])
        if status is not None:
            raise SystemExit(status)
    from service import cli

    cli.main()


if __name__ == "__main__":
    main()
