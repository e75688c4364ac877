"""How the service writes its own addresses: every one of them that leaves it is made here.

It always listens at `/v1/...`. Readers may reach it below another address (`server.public_url`), by a proxy that takes
the path of that address away again.
"""


class Links:
    """Addresses as readers can use them: whole, if the owner says where the service is; else paths.

    Never as the service was asked, for a page is everybody's, and behind a proxy that is not where readers are.
    """

    def __init__(self, public_url: str | None) -> None:
        self._root = public_url or ""

    def to(self, path: str) -> str:
        """The address of a path of the service, which begins with a slash; nothing is the service itself."""
        return f"{self._root}{path}"


BY_PATHS = Links(None)
"""Where nobody has said where the service is."""
