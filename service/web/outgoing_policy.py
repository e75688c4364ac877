"""What goes out about policies and judgements: the shapes of replies, as those in `outgoing`."""

from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,  # pydantic reads these on Python 3.11
)

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from service.reading.shapes import Timestamp
from service.web.outgoing import ActorView, SpanView

_CLOSED = with_config(ConfigDict(extra="forbid"))
OutcomeName = Literal["publish", "hold", "reject", "spam", "refuse"]


@_CLOSED
class SaidView(TypedDict):
    """What one rule said. `braked`: it would have said something else."""

    id: str
    title: str
    said: OutcomeName
    braked: bool


@_CLOSED
class CouldNotJudgeView(TypedDict):
    """A rule that holds because a check could not run."""

    rule: str
    check: str
    text: str


class VerdictView(TypedDict):
    """What a check found. `code` is for programs, `text` the sentence in English; some kinds have more members."""

    check: str
    code: str
    text: str
    lean: Literal["pass", "hold", "spam"] | None
    score: float | None
    spans: Annotated[list[SpanView], Field(description="Where in `body`")]
    rules: Annotated[list[str], Field(description="The rules that spoke because of it")]
    list: NotRequired[str]
    entry: NotRequired[str]


@_CLOSED
class JudgementView(TypedDict):
    """What all rules together said of one text. `by` names those that decided; empty: `otherwise` did."""

    outcome: OutcomeName
    by: list[str]
    policy_version: int
    at: Timestamp
    text_version: int
    rules: Annotated[list[SaidView], Field(description="All that spoke, the strictest first")]
    observed: Annotated[list[SaidView], Field(description="What rules would have said that only observe")]
    could_not_judge: list[CouldNotJudgeView]
    verdicts: list[VerdictView]
    facts: Annotated[dict[str, Any], Field(description="What the checks found; null: nothing")]
    audited: Annotated[bool, Field(description="It was held without the rules' verdict, to measure them")]


@_CLOSED
class TrialReply(TypedDict):
    """What would come out."""

    judgement: JudgementView


@_CLOSED
class JudgementList(TypedDict):
    """What was said of a comment's texts, the newest first."""

    judgements: list[JudgementView]
    next: str | None


@_CLOSED
class PolicyView(TypedDict):
    """One version of a site's policy. Version 0 is what the configuration says: nobody made it."""

    version: int
    document: Annotated[dict[str, Any], Field(description="As somebody wrote it: `docs/triage.md` explains it")]
    made_by: ActorView | None
    made_at: Timestamp | None
    note: str | None
    digest: str | None


@_CLOSED
class VersionView(TypedDict):
    """One version in the list of all."""

    version: int
    made_by: ActorView
    made_at: Timestamp
    note: str | None
    digest: str
    rules: Annotated[int, Field(description="How many rules it has")]


@_CLOSED
class BrakedView(TypedDict):
    """A rule that only holds until an administrator releases it: since when, and upon which numbers."""

    rule: str
    since: Timestamp
    why: Literal["share", "per-day", "wrong"]
    acted: int
    of: int


@_CLOSED
class HumansView(TypedDict):
    """What humans said the last 200 times that they decided on what a rule did alone."""

    agreed: int
    overturned: int


@_CLOSED
class RuleStateView(TypedDict):
    """A rule, and what it did in the last 24 hours."""

    id: str
    mode: Literal["live", "observe", "off"]
    spoke_24h: int
    decided_24h: int
    humans: HumansView


@_CLOSED
class ListStateView(TypedDict):
    """A list of the site, which rules may name."""

    name: str
    version: int
    entries: int


@_CLOSED
class StateView(TypedDict):
    """How a policy fares."""

    braked: list[BrakedView]
    lockdown: None
    lists: list[ListStateView]
    rules: list[RuleStateView]


@_CLOSED
class WarnedView(TypedDict):
    """What a document says that its author may not have meant. It holds all the same."""

    pointer: str
    code: str
    detail: str


@_CLOSED
class PolicyReply(TypedDict):
    """The policy that holds, and how it fares."""

    policy: PolicyView
    state: StateView


@_CLOSED
class PolicyChanged(TypedDict):
    """The policy that holds now."""

    policy: PolicyView
    state: StateView
    warnings: list[WarnedView]


@_CLOSED
class VersionReply(TypedDict):
    """One version that holds or held."""

    policy: PolicyView


@_CLOSED
class VersionList(TypedDict):
    """A page of the versions, the newest first."""

    versions: list[VersionView]
    next: str | None


@_CLOSED
class MistakeView(TypedDict):
    """What is wrong in a document, and where."""

    pointer: str
    detail: str


@_CLOSED
class PassedView(TypedDict):
    """How many of the document's own tests passed."""

    passed: int


@_CLOSED
class Validation(TypedDict):
    """Whether a document may be put. `warnings` and `tests` where it may, else `errors`."""

    valid: bool
    warnings: NotRequired[list[WarnedView]]
    tests: NotRequired[PassedView]
    errors: NotRequired[list[MistakeView]]
