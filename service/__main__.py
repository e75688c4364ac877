"""`python -m service` is `gatepost`."""

from service.cli import main

main()
