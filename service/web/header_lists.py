"""Headers that may come in several lines, or hold a list: joined and compared. For handlers and what is around."""

from collections.abc import Iterator, Mapping

from multidict import CIMultiDictProxy


class JoinedHeaders(Mapping[str, str]):
    """Headers by lower-case name, the values of one sent several times on lines of their own. Joined when asked for."""

    def __init__(self, headers: "CIMultiDictProxy[str]") -> None:
        self._headers = headers

    def __getitem__(self, name: str) -> str:
        return "\n".join(self._headers.getall(name))

    def __iter__(self) -> Iterator[str]:
        return iter({name.lower(): None for name in self._headers})

    def __len__(self) -> int:
        return len({name.lower() for name in self._headers})

    def __contains__(self, name: object) -> bool:
        return name in self._headers


def joined(headers: "CIMultiDictProxy[str]", name: str) -> str | None:
    """A header that is a list, as one line: it may come in several (RFC 9110, 5.3)."""
    lines = headers.getall(name, None)
    return ",".join(lines) if lines else None


def names(asked: str | None, etag: str) -> bool:
    """Whether an `If-None-Match` names this representation (weak comparison, RFC 9110, 13.1.2)."""
    if asked is None or asked == etag:
        return asked is not None
    return asked.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in asked.split(",")}
