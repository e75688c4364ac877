"""What somebody sent whom the desk does not know any more: the page that says so keeps it, and can send it once more.

Nothing of it is stored. Only forms of the desk's own pages come so far (`session.admit` looks at that first), so no
other page can have anything kept here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.errors import InvalidCredential, LoginRequired, Problem
from service.web import form_body
from service.web.call import Call
from service.web.desk.problems import FormOver

MOST_BYTES: Final = 1024 * 1024
"""Of a form of which nobody knows who sends it."""
_OF_EVERY_FORM: Final = frozenset({"csrf", "back"})


@dataclass(frozen=True, slots=True)
class Unsent:
    """The fields of a form that was not taken, but for its token, which is over."""

    fields: Sequence[tuple[str, str]]

    @property
    def typed(self) -> Sequence[str]:
        """What a person wrote, as far as it can be told from what stood in the form: it has blanks."""
        return [value for _, value in self.fields if len(value.split()) > 1]


async def kept(problem: Problem, call: Call) -> Unsent | None:
    """What was sent to a page of the desk and refused because nobody is signed in any more, or because the form was
    made before they signed in; None where there is nothing to keep."""
    if call.request.method != "POST" or not isinstance(problem, LoginRequired | InvalidCredential | FormOver):
        return None
    if form_body.FIELDS not in call.request:
        try:
            await call.services.limits.read_from(call.services.addresses.group(call.request))
            await form_body.read(call.request, MOST_BYTES)
        except Problem:  # what is refused already is refused, whatever else is wrong with it
            return None
    fields = [(name, value) for name, value in call.request[form_body.FIELDS].items() if name != "csrf"]
    has_more = any(name not in _OF_EVERY_FORM for name, _ in fields)
    return Unsent(fields) if has_more or isinstance(problem, FormOver) else None
