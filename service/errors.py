"""Every expected failure: its code, its HTTP status and a sentence that is safe for the public (RFC 9457).

Any room may raise these; `web` turns them into `application/problem+json`. Whatever else is raised is a bug and
becomes a 500. The class's docstring is the page behind `/problems/<code>`: what happened, and what to do about it.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class Problem(Exception):  # noqa: N818  # RFC 9457's word
    """Base of all expected failures. `detail` is one sentence for this occurrence; `members` are extra JSON members."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after_seconds: int | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.retry_after_seconds = retry_after_seconds
        self.members: dict[str, object] = dict(members or {})


# --- The request itself -----------------------------------------------------------------------------------------------


class MalformedRequest(Problem):
    """The request could not be understood as HTTP, or it contradicts itself (for example two `Authorization` or two
    `Origin` headers). Send it again in a correct form."""

    code, status, title = "malformed-request", 400, "The request is malformed"


class MalformedJson(Problem):
    """The body is not JSON in UTF-8, names a member twice, nests deeper than 32 levels, or holds NaN or Infinity.
    Send one JSON object in UTF-8."""

    code, status, title = "malformed-json", 400, "The body is not valid JSON"


class BadCursor(Problem):
    """The cursor was not issued by this service for this list. Leave `cursor` out to start from the beginning, and pass
    on `next` exactly as it was given."""

    code, status, title = "bad-cursor", 400, "The cursor is not valid for this list"


class NotFound(Problem):
    """There is nothing at this path. `/openapi.json` lists every path of the service."""

    code, status, title = "not-found", 404, "There is nothing here"


class MethodNotAllowed(Problem):
    """The path exists, the method does not. The `Allow` header names the methods that do."""

    code, status, title = "method-not-allowed", 405, "This method is not allowed here"


class RequestTimeout(Problem):
    """The request did not arrive completely in time. Send headers within 10 seconds and the body within 15."""

    code, status, title = "request-timeout", 408, "The request took too long to arrive"


class BodyTooLarge(Problem):
    """The body is larger than a valid one of this call can be, every character written as an escape. `detail` says how
    many bytes it takes."""

    code, status, title = "body-too-large", 413, "The request body is too large"


class UnsupportedMediaType(Problem):
    """Send `Content-Type: application/json` (UTF-8) and no `Content-Encoding`."""

    code, status, title = "unsupported-media-type", 415, "Send application/json"


class InvalidRequest(Problem):
    """The request is well-formed but something in it is not acceptable. `errors` lists each place: a JSON Pointer
    (RFC 6901), whether it points into the `body`, `query`, `header` or `path`, and what is wrong there."""

    code, status, title = "invalid-request", 422, "The request is not valid"

    def __init__(self, errors: Sequence[tuple[str, str]], *, place: str = "path") -> None:
        listed = [{"pointer": pointer, "in": place, "detail": text} for pointer, text in errors]
        first = f"{errors[0][0] or place}: {errors[0][1]}" if errors else None
        super().__init__(first, members={"errors": listed})
        self.mistakes = tuple(errors)


class HeadersTooLarge(Problem):
    """The request line or a header is too long, or there are too many headers. Shorten it."""

    code, status, title = "headers-too-large", 431, "The request headers are too large"


class InternalError(Problem):
    """Something is wrong inside the service. It is logged under the request id: give that to whoever runs it."""

    code, status, title = "internal-error", 500, "The service met an unexpected error"


# --- Who is speaking --------------------------------------------------------------------------------------------------


class LoginRequired(Problem):
    """This call needs a login. Send the reader to `login_url`, then call again with their token or cookie."""

    code, status, title = "login-required", 401, "Log in to do this"


class InvalidCredential(Problem):
    """The token or cookie was not accepted: expired, wrong signature, wrong audience or not a token at all. Log in
    again. The service does not say which it was; its log does."""

    code, status, title = "invalid-credential", 401, "The credential was not accepted"


class LoginUnavailable(Problem):
    """The blog's own login could not be asked, so nobody can be let in right now. Try again after `Retry-After`."""

    code, status, title = "login-unavailable", 503, "The login cannot be checked right now"


class Forbidden(Problem):
    """The credential is good, but this person or key may not do this here."""

    code, status, title = "forbidden", 403, "You may not do this"


class Banned(Problem):
    """A moderator of this site has banned this author from commenting; `banned_until` says until when."""

    code, status, title = "banned", 403, "You are banned from commenting on this site"


class OriginRefused(Problem):
    """A browser sent this from a page that is not on the site's list of `origins`: add it there."""

    code, status, title = "origin-refused", 403, "This origin is not allowed"


# --- What is asked for ------------------------------------------------------------------------------------------------


class UnknownSite(Problem):
    """No site with this name is configured."""

    code, status, title = "unknown-site", 404, "There is no such site"


class UnknownComment(Problem):
    """There is no such comment, or you may not know of it."""

    code, status, title = "unknown-comment", 404, "There is no such comment"


class UnknownDecision(Problem):
    """There is no such decision on this site."""

    code, status, title = "unknown-decision", 404, "There is no such decision"


class UnknownBatch(Problem):
    """Nothing that was done on this site is of this batch."""

    code, status, title = "unknown-batch", 404, "There is no such batch"


class UnknownAuthor(Problem):
    """This site knows no author with this key."""

    code, status, title = "unknown-author", 404, "There is no such author"


class UnknownParent(Problem):
    """The comment replied to does not exist, belongs to another post, or is not public (any more)."""

    code, status, title = "unknown-parent", 422, "The comment replied to is not there"


# --- What stands against it -------------------------------------------------------------------------------------------


class PostClosed(Problem):
    """This post takes no new comments or edits."""

    code, status, title = "post-closed", 409, "This post is closed for comments"


class DuplicateComment(Problem):
    """You already said exactly this, here. `comment_id` is the first one."""

    code, status, title = "duplicate-comment", 409, "You already posted this comment"


class IdempotencyKeyReused(Problem):
    """This `Idempotency-Key` was used for another request. Use a new key for a new comment."""

    code, status, title = "idempotency-key-reused", 422, "The idempotency key belongs to another request"


class NotEditable(Problem):
    """A comment in this status cannot be edited; post a new one instead."""

    code, status, title = "not-editable", 409, "This comment can no longer be edited"


class EditWindowOver(Problem):
    """The site's time for editing a comment has passed."""

    code, status, title = "edit-window-over", 409, "The time for editing has passed"


class TooManyEdits(Problem):
    """The comment has had as many texts as one comment may have, for each of them is kept. Withdraw it and post a new
    one instead."""

    code, status, title = "too-many-edits", 409, "This comment has been edited too often"


class StaleVersion(Problem):
    """The text changed after you read it. `comment` is its current state: read it and decide again."""

    code, status, title = "stale-version", 409, "The comment has changed since you saw it"


class AlreadyDecided(Problem):
    """Somebody else decided first. `decision` says who and when, `comment` is the current state, `allowed` is what
    may be done now."""

    code, status, title = "already-decided", 409, "Somebody else has decided already"


class IllegalTransition(Problem):
    """This action does not exist for a comment in this state; `allowed` is what may be done now."""

    code, status, title = "illegal-transition", 409, "This action is not possible now"


class NewerDecision(Problem):
    """Something newer stands on this decision (a later decision or an edit), so it cannot be undone. `comment` is the
    current state."""

    code, status, title = "newer-decision", 409, "Something newer stands on this decision"


class UnknownWebhook(Problem):
    """The configuration has no webhook of this name for this site."""

    code, status, title = "unknown-webhook", 404, "There is no such webhook"


class UnknownDelivery(Problem):
    """There is no such delivery of this webhook, or it is no longer kept: of those that arrived, the last 200 are."""

    code, status, title = "unknown-delivery", 404, "There is no such delivery"


class EventsPruned(Problem):
    """The event log does not reach back so far: events are kept for as long as `[retention] events_days` says. Or
    `after` is ahead of all that has happened: the store is an older one that was restored. `first_seq` is the first
    event that is kept. Read what you need anew, and go on from there (leave `after` out, and you begin with it)."""

    code, status, title = "events-pruned", 410, "These events are not kept any more"


class UnknownList(Problem):
    """This site has no list of this name. `GET .../lists` names those that it has."""

    code, status, title = "unknown-list", 404, "There is no such list"


class ListInUse(Problem):
    """Rules of the site's policy name this list, so it cannot be deleted; `rules` has their ids. Change the policy
    first."""

    code, status, title = "list-in-use", 409, "The policy names this list"


class DocumentChanged(Problem):
    """Somebody changed this after you read it: `version` is what holds now, `changed_by` and `changed_at` say who and
    when. Read it again, and make your change upon that."""

    code, status, title = "document-changed", 412, "This has changed since you read it"


class IfMatchRequired(Problem):
    """This is changed by more than one person, so say which version your change is made upon: send the `ETag` that you
    read as `If-Match` (and `If-None-Match: *` for a list that is not there yet). `version` is what holds now."""

    code, status, title = "if-match-required", 428, "Say which version you change"


class PreviewExpired(Problem):
    """This preview is another caller's, or was not used for ten minutes. Make a new one, and look at it."""

    code, status, title = "preview-expired", 409, "This preview is no longer good"


class RefusedByPolicy(Problem):
    """A rule of this site refuses such a text, so nothing of it was kept. `reason_text` says why, and `spans` where in
    the text, as far as that is told. Change the text and send it again; the same `Idempotency-Key` will do."""

    code, status, title = "refused-by-policy", 422, "This site does not take such a comment"


class TooManyWaiting(Problem):
    """As many comments of this author wait for a moderator as this site allows; `waiting` says how many. Send this one
    when some of them have been decided."""

    code, status, title = "too-many-waiting", 409, "Too many of your comments wait already"


class UnknownReason(Problem):
    """This site wants every rejection to name a reason of its catalogue; `reasons` are the codes that there are."""

    code, status, title = "unknown-reason", 422, "Name a reason of this site's catalogue"


class UnknownVersion(Problem):
    """The site's policy never had a version of this number."""

    code, status, title = "unknown-version", 404, "There is no such version"


# --- How the service is -----------------------------------------------------------------------------------------------


class SlowDown(Problem):
    """Too many requests. Wait for `Retry-After` seconds."""

    code, status, title = "slow-down", 429, "Too many requests"


class StoreUnavailable(Problem):
    """The database cannot take this right now (full, locked, read-only or gone). Try again after `Retry-After`; reading
    may still work. Nothing was changed, unless the database failed while it was saving: then the change may stand. So
    repeat a submission with the same `Idempotency-Key`, and look before you repeat another change."""

    code, status, title = "store-unavailable", 503, "The store cannot take this right now"


class Overloaded(Problem):
    """Too many connections are open, or the service is stopping. Try again after `Retry-After`."""

    code, status, title = "overloaded", 503, "The service takes no more connections now"


PROBLEMS: dict[str, type[Problem]] = {problem.code: problem for problem in Problem.__subclasses__()}
"""Every problem by its code, in the order of this page."""
