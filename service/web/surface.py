"""How a route is declared, and how a declaration becomes a handler.

A handler says what it takes and gives in its signature:

    async def edit(call: Call, body: incoming.Edit) -> Reply[outgoing.CommentReply]

`body`, `query` and `headers` (of the desk's pages `form`) are validated before it runs; the reply's type, the statuses
and the problems of its route make the OpenAPI document. So what validates and what is documented are one thing.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property, partial
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from aiohttp import web
from multidict import MultiMapping
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from service.errors import InvalidRequest, Problem
from service.web import body_size, form_body, json_body
from service.web.call import WRITES, Call, Reply, is_utf8

Handler = Callable[..., Awaitable[Any]]
Shape = TypeVar("Shape", bound=BaseModel)
EVENT_STREAM = "text/event-stream"
"""A reply that ends when one of both sides wants it to."""

_SENTENCES = {"model_type": "must be a JSON object", "extra_forbidden": "is not known to this call"}
"""Where pydantic's own words speak of Python, and name a class. The others are good enough."""
_AT_MOST, _AT_LEAST = "must have at most {max_length} characters", "must have {min_length} or more characters"
_LENGTHS = {
    "string_too_long": _AT_MOST,
    "too_long": _AT_MOST,
    "string_too_short": _AT_LEAST,
    "too_short": _AT_LEAST,
}
"""Of texts. Behind a validator pydantic would count "items" of them."""


class Nothing(BaseModel):
    """The query of a call that takes none."""

    model_config = ConfigDict(extra="forbid")


class Audience(Enum):
    """For whom a call is: decides CORS, rate limit and which credential the document asks for."""

    PUBLIC = "public reading"
    READERS = "front end"
    MODERATORS = "moderation"
    EMBED = "embed"
    OPERATIONS = "operations"
    DESK = "moderators' desk"
    DESK_DOOR = "before the desk"
    """The desk's pages that nobody need be signed in for, and its files."""


class Count(Enum):
    """Which rate limit a call counts against, before anything else is done."""

    NOTHING = "nothing"
    READ = "read_per_address"
    SUBMIT = "submit_per_address"
    SIGN_IN = "sign_in_per_address"


@dataclass(frozen=True)
class Route:
    """One line of the service's surface."""

    method: str
    path: str
    handler: Handler
    audience: Audience
    counts: Count = Count.NOTHING
    statuses: tuple[int, ...] = (200,)
    problems: tuple[type[Problem], ...] = ()
    media_type: str = "application/json"
    or_media_type: str | None = None
    """What `Accept` may ask for instead."""
    takes: Mapping[str, type[BaseModel]] = field(init=False)
    gives: Any = field(init=False)

    def __post_init__(self) -> None:
        hints = get_type_hints(self.handler, include_extras=True)
        object.__setattr__(self, "gives", (get_args(hints.pop("return")) or (None,))[0])
        object.__setattr__(
            self, "takes", {name: kind for name, kind in hints.items() if name in {"body", "form", "query", "headers"}}
        )

    @property
    def is_page(self) -> bool:
        """Whether it is something that everybody may read and caches may keep, with a validator."""
        return self.audience is Audience.PUBLIC and self.media_type != EVENT_STREAM

    @property
    def is_strict(self) -> bool:
        """Whether what the call does not know is refused. Machines add what they like to operators' calls, and pages to
        the addresses of scripts."""
        return self.audience not in (Audience.EMBED, Audience.OPERATIONS)

    @property
    def is_of_the_desk(self) -> bool:
        """Whether it is a page for moderators, in whose words failures are told."""
        return self.audience in (Audience.DESK, Audience.DESK_DOOR)

    @cached_property
    def max_body_bytes(self) -> int:
        """How large a body it takes, if it takes one."""
        return body_size.limit(self.takes["form"] if "form" in self.takes else self.takes["body"])

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (self.handler.__doc__ or "").strip().split("\n")[0].rstrip(".")

    async def answer(self, call: Call) -> Reply[Any] | web.StreamResponse:
        """Validate what the handler takes, then run it. What it does not take is refused. Raises Problem."""
        request = call.request
        taken: dict[str, BaseModel] = {}
        if "query" in self.takes:
            taken["query"] = validated(self.takes["query"], _query(request, self.takes["query"]), "query")
        elif request.rel_url.raw_query_string and self.is_strict:
            validated(Nothing, _query(request, Nothing), "query")
        if "headers" in self.takes:
            taken["headers"] = validated(self.takes["headers"], _headers(request, self.takes["headers"]), "header")
        if "form" in self.takes:
            fields = await form_body.read(request, self.max_body_bytes)
            taken["form"] = validated(self.takes["form"], _given(fields, self.takes["form"], "form"), "form")
            return await self._handled(call, taken)
        if "body" not in self.takes:
            if self.method in WRITES and await json_body.is_given(request):
                raise InvalidRequest([("", "must be left out: this call takes no body")], place="body")
            return await self._handled(call, taken)
        async with json_body.room_for(request, self.max_body_bytes, call.services.large_bodies):
            take = partial(validated, self.takes["body"], place="body")
            taken["body"] = await json_body.read(request, self.max_body_bytes, take)
            return await self._handled(call, taken)

    async def _handled(self, call: Call, taken: Mapping[str, BaseModel]) -> Reply[Any] | web.StreamResponse:
        answer: Reply[Any] | web.StreamResponse = await self.handler(call, **taken)
        return answer


def validated(kind: type[Shape], value: Any, place: str) -> Shape:
    """What came in, in the shape that is declared for it. Raises InvalidRequest."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise InvalidRequest(
            [(_pointer(item["loc"]), _sentence(item)) for item in error.errors(include_url=False)],
            place=place,
        ) from None


def _sentence(mistake: ErrorDetails) -> str:
    """What is wrong, without the words of the library where these speak of Python or of items instead of characters."""
    if isinstance(mistake["input"], str) and (bound := _LENGTHS.get(mistake["type"])):
        return bound.format(**mistake["ctx"])
    return _SENTENCES.get(mistake["type"]) or mistake["msg"].removeprefix("Value error, ")


def _query(request: web.Request, kind: type[BaseModel]) -> dict[str, Any]:
    if not is_utf8(request.rel_url.raw_query_string):
        raise InvalidRequest([("", "must be UTF-8")], place="query")
    return _given(request.query, kind, "query")


def _given(fields: MultiMapping[str], kind: type[BaseModel], place: str) -> dict[str, Any]:
    """The fields of a query or a form; what may be given several times as a list."""
    found: dict[str, Any] = {}
    for name in fields:
        values = fields.getall(name)
        takes_many = name in kind.model_fields and _is_list(kind.model_fields[name].annotation)
        if len(values) > 1 and not takes_many:
            raise InvalidRequest([(_pointer((name,)), "must be given once")], place=place)
        found[name] = values if takes_many else values[0]
    return found


def _is_list(annotation: Any) -> bool:
    """Whether this is `list[...]`, perhaps in a union with others."""
    return get_origin(annotation) is list or any(_is_list(part) for part in get_args(annotation))


def _headers(request: web.Request, kind: type[BaseModel]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, entry in kind.model_fields.items():
        header = entry.alias or name
        values = request.headers.getall(header, [])
        if len(values) > 1:
            raise InvalidRequest([(_pointer((header,)), "must be given once")], place="header")
        if values:
            found[header] = values[0]
    return found


def _pointer(location: tuple[int | str, ...]) -> str:
    """A JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)
