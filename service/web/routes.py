"""The whole surface, grouped by audience. A security reviewer starts here.

Public calls look at no credential. Readers' calls ask for the blog's login in their first line, moderators' calls for
the permission, and count against their caller. `counts` is the rate limit that any other call counts against before
anything else happens.
"""

from service.errors import (
    AlreadyDecided,
    BadCursor,
    Banned,
    BodyTooLarge,
    DocumentChanged,
    DuplicateComment,
    EditWindowOver,
    EventsPruned,
    Forbidden,
    HeadersTooLarge,
    IdempotencyKeyReused,
    IfMatchRequired,
    IllegalTransition,
    InternalError,
    InvalidCredential,
    InvalidRequest,
    ListInUse,
    LoginRequired,
    LoginUnavailable,
    MalformedJson,
    MalformedRequest,
    MethodNotAllowed,
    NewerDecision,
    NotEditable,
    NotFound,
    OriginRefused,
    Overloaded,
    PostClosed,
    PreviewExpired,
    Problem,
    RefusedByPolicy,
    RequestTimeout,
    SlowDown,
    StaleVersion,
    StoreUnavailable,
    TooManyEdits,
    TooManyWaiting,
    UnknownAuthor,
    UnknownBatch,
    UnknownComment,
    UnknownDecision,
    UnknownDelivery,
    UnknownList,
    UnknownParent,
    UnknownReason,
    UnknownSite,
    UnknownVersion,
    UnknownWebhook,
    UnsupportedMediaType,
)
from service.web import (
    embed,
    feed,
    lists,
    moderators,
    operations,
    policy,
    problems,
    public,
    queue,
    readers,
    undos,
    webhooks,
)
from service.web.desk import acts as desk_acts
from service.web.desk import bulk as desk_bulk
from service.web.desk import codes as desk_codes
from service.web.desk import comment as desk_comment
from service.web.desk import events as desk_events
from service.web.desk import lists as desk_lists
from service.web.desk import people as desk_people
from service.web.desk import policy as desk_policy
from service.web.desk import policy_edit as desk_policy_edit
from service.web.desk import policy_trial as desk_policy_trial
from service.web.desk import queue as desk_queue
from service.web.desk import record as desk_record
from service.web.desk import ruled as desk_ruled
from service.web.desk import sessions as desk_sessions
from service.web.desk import settings as desk_settings
from service.web.desk import sign_in as desk_sign_in
from service.web.surface import EVENT_STREAM, Audience, Count, Route

Problems = tuple[type[Problem], ...]

HTML = "text/html"

SITE = "/v1/sites/{site}"
POST = SITE + "/posts/{post}"
COMMENT = SITE + "/comments/{id}"

ANYWHERE: Problems = (MalformedRequest, RequestTimeout, HeadersTooLarge, InternalError, Overloaded)
"""What any request may meet, whatever its route."""
OFF_ROUTE: Problems = (NotFound, MethodNotAllowed)
"""What a request meets that fits no route."""

KNOWN: Problems = (UnknownSite, InvalidRequest, StoreUnavailable)
NAMED: Problems = (*KNOWN, InvalidCredential, LoginUnavailable)
LOGGED_IN: Problems = (*NAMED, LoginRequired)
BODY: Problems = (MalformedJson, UnsupportedMediaType, BodyTooLarge)
FORM: Problems = (MalformedRequest, UnsupportedMediaType, BodyTooLarge)
LISTED: Problems = (BadCursor,)

PUBLIC = [
    Route("GET", SITE, public.show_site, Audience.PUBLIC, Count.READ, problems=(UnknownSite, InvalidRequest, SlowDown)),
    Route(
        "GET", POST + "/comments", public.list_comments, Audience.PUBLIC, Count.READ,
        problems=(*KNOWN, *LISTED, UnknownComment, SlowDown), or_media_type="text/html",
    ),
    Route(
        "GET", POST + "/comments.html", public.show_comments, Audience.PUBLIC, Count.READ,
        problems=(*KNOWN, *LISTED, UnknownComment, SlowDown), media_type="text/html",
    ),
    Route(
        "GET", POST + "/events", public.follow_post, Audience.PUBLIC, Count.READ, media_type=EVENT_STREAM,
        problems=(UnknownSite, InvalidRequest, SlowDown),
    ),
    Route("GET", SITE + "/counts", public.count_comments, Audience.PUBLIC, Count.READ, problems=(*KNOWN, SlowDown)),
    Route(
        "GET", SITE + "/comments", public.list_latest, Audience.PUBLIC, Count.READ,
        problems=(*KNOWN, *LISTED, SlowDown),
    ),
    Route(
        "GET", POST + "/comments.atom", public.feed_comments, Audience.PUBLIC, Count.READ,
        problems=(*KNOWN, SlowDown), media_type="application/atom+xml",
    ),
    Route(
        "GET", SITE + "/comments.atom", public.feed_latest, Audience.PUBLIC, Count.READ,
        problems=(*KNOWN, SlowDown), media_type="application/atom+xml",
    ),
]  # fmt: skip

READERS = [
    Route("GET", SITE + "/me", readers.show_me, Audience.READERS, Count.READ, problems=(*LOGGED_IN, SlowDown)),
    Route(
        "GET", SITE + "/me/comments", readers.list_mine, Audience.READERS, Count.READ,
        problems=(*LOGGED_IN, *LISTED, Forbidden, SlowDown),
    ),
    Route(
        "POST", SITE + "/preview", readers.preview, Audience.READERS, Count.READ,
        problems=(*LOGGED_IN, *BODY, OriginRefused, Forbidden, SlowDown),
    ),
    Route(
        "POST", POST + "/comments", readers.submit, Audience.READERS, Count.SUBMIT, statuses=(202, 201),
        problems=(
            *LOGGED_IN, *BODY, OriginRefused, Forbidden, Banned, PostClosed, DuplicateComment, UnknownParent,
            IdempotencyKeyReused, RefusedByPolicy, TooManyWaiting, SlowDown,
        ),
    ),
    Route(
        "GET", COMMENT, readers.show_comment, Audience.READERS, Count.READ,
        problems=(*NAMED, UnknownComment, SlowDown),
    ),
    Route(
        "PATCH", COMMENT, readers.edit, Audience.READERS, Count.SUBMIT,
        problems=(
            *LOGGED_IN, *BODY, OriginRefused, Forbidden, Banned, UnknownComment, NotEditable, EditWindowOver,
            PostClosed, StaleVersion, TooManyEdits, RefusedByPolicy, SlowDown,
        ),
    ),
    Route(
        "DELETE", COMMENT, readers.withdraw, Audience.READERS, Count.SUBMIT, statuses=(204,),
        problems=(*LOGGED_IN, OriginRefused, Forbidden, UnknownComment, SlowDown),
    ),
]  # fmt: skip

MODERATION: Problems = (*LOGGED_IN, Forbidden, SlowDown)
CHANGE: Problems = (*MODERATION, OriginRefused)

MODERATORS = [
    Route("GET", SITE + "/queue", queue.browse_queue, Audience.MODERATORS, problems=(*MODERATION, *LISTED)),
    Route(
        "GET", SITE + "/queue/events", queue.follow_queue, Audience.MODERATORS, media_type=EVENT_STREAM,
        problems=MODERATION,
    ),
    Route("POST", SITE + "/queue/claims", queue.claim, Audience.MODERATORS, problems=(*CHANGE, *BODY)),
    Route("DELETE", SITE + "/queue/claims", queue.release, Audience.MODERATORS, statuses=(204,), problems=CHANGE),
    Route("GET", SITE + "/queue/{id}", queue.show_entry, Audience.MODERATORS, problems=(*MODERATION, UnknownComment)),
    Route(
        "POST", COMMENT + "/decisions", moderators.decide, Audience.MODERATORS, statuses=(201,),
        problems=(*CHANGE, *BODY, UnknownComment, StaleVersion, AlreadyDecided, IllegalTransition, UnknownReason),
    ),
    Route(
        "GET", COMMENT + "/judgements", moderators.list_judgements, Audience.MODERATORS,
        problems=(*MODERATION, *LISTED, UnknownComment),
    ),
    Route(
        "GET", COMMENT + "/original", moderators.get_original, Audience.MODERATORS,
        problems=(*MODERATION, UnknownComment),
    ),
    Route("POST", SITE + "/decisions", moderators.decide_many, Audience.MODERATORS, problems=(*CHANGE, *BODY)),
    Route(
        "POST", SITE + "/decisions/{id}/undo", moderators.undo, Audience.MODERATORS, statuses=(201,),
        problems=(*CHANGE, UnknownDecision, IllegalTransition, NewerDecision),
    ),
    Route(
        "POST", SITE + "/undos/previews", undos.preview_undo, Audience.MODERATORS,
        problems=(*CHANGE, *BODY, UnknownBatch),
    ),
    Route(
        "POST", SITE + "/undos", undos.undo_batch, Audience.MODERATORS, statuses=(201,),
        problems=(*CHANGE, *BODY, PreviewExpired),
    ),
    Route(
        "GET", SITE + "/decisions", moderators.list_decisions, Audience.MODERATORS,
        problems=(*MODERATION, *LISTED),
    ),
    Route(
        "GET", SITE + "/moderation/comments", moderators.find_comments, Audience.MODERATORS,
        problems=(*MODERATION, *LISTED),
    ),
    Route(
        "GET", SITE + "/authors/{key}", moderators.show_author, Audience.MODERATORS,
        problems=(*MODERATION, UnknownAuthor),
    ),
    Route(
        "PATCH", SITE + "/authors/{key}", moderators.judge_author, Audience.MODERATORS,
        problems=(*CHANGE, *BODY, UnknownAuthor),
    ),
    Route(
        "GET", SITE + "/events", feed.list_events, Audience.MODERATORS,
        problems=(*MODERATION, EventsPruned),
    ),
    Route("POST", SITE + "/desk/codes", desk_codes.offer_code, Audience.MODERATORS, statuses=(201,), problems=CHANGE),
    Route("GET", POST, moderators.show_post, Audience.MODERATORS, problems=MODERATION),
    Route("PATCH", POST, moderators.change_post, Audience.MODERATORS, problems=(*CHANGE, *BODY)),
]  # fmt: skip

LIST = SITE + "/lists/{list}"
VERSIONED: Problems = (IfMatchRequired, DocumentChanged)

LISTS = [
    Route("GET", SITE + "/lists", lists.list_lists, Audience.MODERATORS, problems=MODERATION),
    Route("GET", LIST, lists.show_list, Audience.MODERATORS, problems=(*MODERATION, UnknownList)),
    Route(
        "PUT", LIST, lists.put_list, Audience.MODERATORS, statuses=(200, 201),
        problems=(*CHANGE, *BODY, *VERSIONED),
    ),
    Route(
        "DELETE", LIST, lists.delete_list, Audience.MODERATORS, statuses=(204,),
        problems=(*CHANGE, *VERSIONED, UnknownList, ListInUse),
    ),
    Route(
        "GET", LIST + "/entries", lists.list_entries, Audience.MODERATORS,
        problems=(*MODERATION, *LISTED, UnknownList),
    ),
    Route(
        "PATCH", LIST + "/entries", lists.change_entries, Audience.MODERATORS,
        problems=(*CHANGE, *BODY, *VERSIONED, UnknownList),
    ),
]  # fmt: skip

POLICY = SITE + "/policy"

OF_THE_POLICY = [
    Route("GET", POLICY, policy.show_policy_of_site, Audience.MODERATORS, problems=MODERATION),
    Route(
        "PUT", POLICY, policy.put_policy, Audience.MODERATORS,
        problems=(*CHANGE, *BODY, IfMatchRequired, DocumentChanged),
    ),
    Route("POST", POLICY + "/validations", policy.validate_policy, Audience.MODERATORS, problems=(*CHANGE, *BODY)),
    Route(
        "POST", POLICY + "/trials", policy.try_policy, Audience.MODERATORS,
        problems=(*CHANGE, *BODY, UnknownComment),
    ),
    Route("GET", POLICY + "/versions", policy.list_versions, Audience.MODERATORS, problems=(*MODERATION, *LISTED)),
    Route(
        "GET", POLICY + "/versions/{version}", policy.show_version, Audience.MODERATORS,
        problems=(*MODERATION, UnknownVersion),
    ),
    Route(
        "DELETE", POLICY + "/brakes/{rule}", policy.release_rule, Audience.MODERATORS, statuses=(204,),
        problems=(*CHANGE, NotFound),
    ),
]  # fmt: skip

WEBHOOKS = SITE + "/webhooks"
WEBHOOK = WEBHOOKS + "/{name}"

ADMINS = [
    Route("GET", WEBHOOKS, webhooks.list_webhooks, Audience.MODERATORS, problems=MODERATION),
    Route(
        "GET", WEBHOOK + "/deliveries", webhooks.list_deliveries, Audience.MODERATORS,
        problems=(*MODERATION, *LISTED, UnknownWebhook),
    ),
    Route(
        "POST", WEBHOOK + "/deliveries/{id}/retry", webhooks.retry_delivery, Audience.MODERATORS, statuses=(202,),
        problems=(*CHANGE, UnknownWebhook, UnknownDelivery),
    ),
    Route(
        "POST", WEBHOOK + "/replay", webhooks.replay, Audience.MODERATORS, statuses=(202,),
        problems=(*CHANGE, *BODY, UnknownWebhook, EventsPruned),
    ),
    Route(
        "POST", WEBHOOK + "/resume", webhooks.resume_webhook, Audience.MODERATORS, statuses=(202,),
        problems=(*CHANGE, UnknownWebhook),
    ),
    Route("POST", WEBHOOK + "/test", webhooks.try_webhook, Audience.MODERATORS, problems=(*CHANGE, UnknownWebhook)),
]  # fmt: skip

EMBED = [
    Route("GET", "/embed.js", embed.script, Audience.EMBED, statuses=(200, 304), media_type="text/javascript"),
    Route(
        "GET", "/embed/v1/{asset}", embed.asset, Audience.EMBED, statuses=(200, 304), media_type="*/*",
        problems=(NotFound,),
    ),
    Route(
        "GET", "/embed/v1/{pin}/{asset}", embed.pinned_asset, Audience.EMBED, statuses=(200, 304), media_type="*/*",
        problems=(NotFound,),
    ),
]  # fmt: skip

OPERATIONS = [
    Route("GET", "/health/live", operations.live, Audience.OPERATIONS, media_type=operations.HEALTH_TYPE),
    Route(
        "GET", "/health/ready", operations.ready, Audience.OPERATIONS, statuses=(200, 503),
        media_type=operations.HEALTH_TYPE,
    ),
    Route(
        "GET", "/metrics", operations.show_metrics, Audience.OPERATIONS, media_type="text/plain",
        problems=(StoreUnavailable,),
    ),
    Route("GET", "/openapi.json", operations.openapi, Audience.OPERATIONS),
    Route("GET", "/docs", operations.docs, Audience.OPERATIONS, media_type="text/html"),
    Route("GET", "/docs/{file}", operations.docs_file, Audience.OPERATIONS, media_type="*/*", problems=(NotFound,)),
    Route(
        "GET", "/problems/{code}", problems.explain, Audience.OPERATIONS, media_type="text/html",
        problems=(NotFound,),
    ),
]  # fmt: skip

DESK_SITE = "/desk/{site}"

DESK = [
    Route("GET", "/desk", desk_queue.show_way, Audience.DESK_DOOR, statuses=(308,)),
    Route("GET", "/desk/", desk_queue.choose_site, Audience.DESK_DOOR, statuses=(200, 303), media_type=HTML),
    Route("GET", DESK_SITE, desk_queue.show_way_to_queue, Audience.DESK_DOOR, statuses=(308,), problems=(UnknownSite,)),
    Route(
        "GET", DESK_SITE + "/sign-in", desk_sign_in.show_sign_in, Audience.DESK_DOOR, Count.READ, media_type=HTML,
        statuses=(303,), problems=(*MODERATION,),
    ),
    Route(
        "POST", DESK_SITE + "/sign-in", desk_sign_in.sign_in, Audience.DESK_DOOR, Count.SIGN_IN, media_type=HTML,
        statuses=(303, 200), problems=(*MODERATION, *FORM, OriginRefused),
    ),
    Route(
        "GET", DESK_SITE + "/enter", desk_sign_in.show_code, Audience.DESK_DOOR, Count.READ, media_type=HTML,
        problems=MODERATION,
    ),
    Route(
        "POST", DESK_SITE + "/enter", desk_sign_in.enter, Audience.DESK_DOOR, Count.SIGN_IN, media_type=HTML,
        statuses=(303,), problems=(*MODERATION, *FORM, OriginRefused),
    ),
    Route(
        "POST", DESK_SITE + "/sign-out", desk_sign_in.sign_out, Audience.DESK, media_type=HTML,
        statuses=(303, 200), problems=(*CHANGE, *FORM),
    ),
    Route(
        "POST", DESK_SITE + "/sessions", desk_sessions.end_session, Audience.DESK, media_type=HTML,
        statuses=(303,), problems=(*CHANGE, *FORM),
    ),
    Route(
        "GET", DESK_SITE + "/", desk_queue.show_queue, Audience.DESK, media_type=HTML,
        problems=(*MODERATION, *LISTED),
    ),
    Route(
        "POST", DESK_SITE + "/decide", desk_acts.decide, Audience.DESK, statuses=(303, 201), media_type=HTML,
        problems=(*CHANGE, *FORM, UnknownComment, StaleVersion, AlreadyDecided, IllegalTransition, UnknownReason),
    ),
    Route(
        "POST", DESK_SITE + "/undo", desk_acts.undo, Audience.DESK, statuses=(303, 200, 201), media_type=HTML,
        problems=(*CHANGE, *FORM, UnknownDecision, IllegalTransition, NewerDecision, UnknownBatch, PreviewExpired),
    ),
    Route(
        "POST", DESK_SITE + "/claims", desk_acts.change_claims, Audience.DESK, statuses=(303, 200), media_type=HTML,
        problems=(*CHANGE, *FORM),
    ),
    Route(
        "POST", DESK_SITE + "/bulk/preview", desk_bulk.preview_bulk, Audience.DESK, media_type=HTML,
        problems=(*CHANGE, *FORM),
    ),
    Route(
        "POST", DESK_SITE + "/bulk", desk_bulk.carry_out_bulk, Audience.DESK, statuses=(201,), media_type=HTML,
        problems=(*CHANGE, *FORM, PreviewExpired, UnknownReason),
    ),
    Route(
        "GET", DESK_SITE + "/events", desk_events.follow_queue, Audience.DESK, media_type=EVENT_STREAM,
        problems=MODERATION,
    ),
    Route(
        "GET", DESK_SITE + "/c/{id}", desk_comment.show_comment, Audience.DESK, media_type=HTML,
        problems=(*MODERATION, UnknownComment),
    ),
    Route(
        "GET", DESK_SITE + "/authors/{key}", desk_people.show_author, Audience.DESK, media_type=HTML,
        problems=(*MODERATION, *LISTED, UnknownAuthor),
    ),
    Route(
        "POST", DESK_SITE + "/authors/{key}", desk_people.judge_author, Audience.DESK, statuses=(303,), media_type=HTML,
        problems=(*CHANGE, *FORM, UnknownAuthor),
    ),
    Route(
        "GET", DESK_SITE + "/posts/{post}", desk_people.show_post, Audience.DESK, media_type=HTML, problems=MODERATION,
    ),
    Route(
        "POST", DESK_SITE + "/posts/{post}", desk_people.change_post, Audience.DESK, statuses=(303,), media_type=HTML,
        problems=(*CHANGE, *FORM),
    ),
    Route(
        "GET", DESK_SITE + "/record", desk_record.show_record, Audience.DESK, media_type=HTML,
        problems=(*MODERATION, *LISTED),
    ),
    Route("GET", DESK_SITE + "/lists", desk_lists.show_lists, Audience.DESK, media_type=HTML, problems=MODERATION),
    Route(
        "POST", DESK_SITE + "/lists", desk_lists.make_list, Audience.DESK, statuses=(303,), media_type=HTML,
        problems=(*CHANGE, *FORM, DocumentChanged),
    ),
    Route(
        "GET", DESK_SITE + "/lists/{list}", desk_lists.show_list, Audience.DESK, media_type=HTML,
        problems=(*MODERATION, *LISTED, UnknownList),
    ),
    Route(
        "POST", DESK_SITE + "/lists/{list}", desk_lists.change_list, Audience.DESK, statuses=(303,), media_type=HTML,
        problems=(*CHANGE, *FORM, DocumentChanged, UnknownList, ListInUse),
    ),
    Route("GET", DESK_SITE + "/policy", desk_policy.show_policy, Audience.DESK, media_type=HTML, problems=MODERATION),
    Route(
        "GET", DESK_SITE + "/policy/edit", desk_policy_edit.show_editor, Audience.DESK, media_type=HTML,
        problems=(*MODERATION, UnknownVersion, NotFound),
    ),
    Route(
        "POST", DESK_SITE + "/policy/edit", desk_policy_edit.send_editor, Audience.DESK, statuses=(303, 200),
        media_type=HTML, problems=(*CHANGE, *FORM, DocumentChanged),
    ),
    Route(
        "GET", DESK_SITE + "/policy/trial", desk_policy_trial.show_trial, Audience.DESK, media_type=HTML,
        problems=MODERATION,
    ),
    Route(
        "POST", DESK_SITE + "/policy/trial", desk_policy_trial.try_text, Audience.DESK, media_type=HTML,
        problems=(*CHANGE, *FORM),
    ),
    Route(
        "GET", DESK_SITE + "/policy/versions", desk_policy.list_versions, Audience.DESK, media_type=HTML,
        problems=(*MODERATION, *LISTED),
    ),
    Route(
        "GET", DESK_SITE + "/policy/versions/{version}", desk_policy.show_version, Audience.DESK, media_type=HTML,
        problems=(*MODERATION, UnknownVersion),
    ),
    Route(
        "POST", DESK_SITE + "/policy/brakes", desk_policy.release_brake, Audience.DESK, statuses=(303,),
        media_type=HTML, problems=(*CHANGE, *FORM),
    ),
    Route(
        "GET", DESK_SITE + "/ruled", desk_ruled.show_ruled, Audience.DESK, media_type=HTML,
        problems=(*MODERATION, *LISTED),
    ),
    Route(
        "GET", DESK_SITE + "/settings", desk_settings.show_settings, Audience.DESK, media_type=HTML,
        problems=MODERATION,
    ),
    Route(
        "POST", DESK_SITE + "/settings", desk_settings.change_settings, Audience.DESK, statuses=(303,), media_type=HTML,
        problems=(*CHANGE, *FORM),
    ),
    Route(
        "GET", "/desk/static/{pin}/{file}", desk_queue.show_file, Audience.DESK_DOOR, media_type="*/*",
        statuses=(200, 304), problems=(NotFound,),
    ),
]  # fmt: skip
"""Pages for moderators. They are no part of the API: its description leaves them out."""

ROUTES = [*PUBLIC, *READERS, *MODERATORS, *LISTS, *OF_THE_POLICY, *ADMINS, *EMBED, *OPERATIONS]
"""The API."""
EVERYTHING = [*ROUTES, *DESK]
