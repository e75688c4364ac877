"""The desk's settings: how it looks in this browser, which keeps them in two cookies."""

from typing import Final

from aiohttp import web

from service.desk import words
from service.web.call import Call
from service.web.desk import forms, reply, sessions
from service.web.desk.session import moderator_of, sender_of

KEPT_SECONDS: Final = 400 * 86_400
"""As long as browsers keep a cookie at most."""


# GET /desk/{site}/settings
async def show_settings(call: Call, query: forms.OnePage) -> web.Response:
    """Language and colours, and who is signed in."""
    moderator = await moderator_of(call)
    cookies = call.request.cookies
    return await reply.page(
        call,
        "settings.html",
        moderator=moderator,
        back="settings",
        languages=words.CODES,
        chosen_language=cookies.get(reply.LANGUAGE_COOKIE),
        chosen_theme=cookies.get(reply.THEME_COOKIE),
        saved=query.saved is not None,
        sessions=await sessions.seen_by(call),
    )


# POST /desk/{site}/settings
async def change_settings(call: Call, form: forms.SettingsForm) -> web.Response:
    """Keep language and colours in this browser."""
    await sender_of(call, form.csrf)
    answer = reply.go_back(call, "settings", saved=1)
    for name, value in ((reply.LANGUAGE_COOKIE, form.language), (reply.THEME_COOKIE, form.theme)):
        if value is None:
            answer.del_cookie(name, path="/")
        else:
            answer.set_cookie(
                name,
                value,
                max_age=KEPT_SECONDS,
                path="/",
                samesite="Lax",
                httponly=True,
                secure=call.request.secure,
            )
    return answer
