"""What is said of a place in a document. It is not put together yet, so that whoever shows it can say it in another
language: programs are told it in English."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def _as_it_is(template: str) -> str:
    return template


@dataclass(frozen=True, slots=True)
class Message:
    """An English sentence with the names of `values` in braces, as `str.format` takes them. A value may be a message
    itself: a part of the sentence that is not always there."""

    template: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.said()

    def said(self, translated: Callable[[str], str] = _as_it_is) -> str:
        """The whole sentence; `translated` gives each template in the language that is wanted."""
        values = {
            name: value.said(translated) if isinstance(value, Message) else value for name, value in self.values.items()
        }
        return translated(self.template).format(**values)
