"""A Django blog in one file, with the two views of the manual: `python django_blog.py FOLDER PORT` serves it.

The views are not written here: `views.py` in FOLDER holds them as the manual's pages print them.
"""

import os
import sys
from pathlib import Path
from wsgiref.simple_server import make_server

import django
from django.conf import settings


def main(folder: Path, port: int) -> None:
    """Make the blog's database and its people, and serve it."""
    sys.path.insert(0, str(folder))
    settings.configure(
        SECRET_KEY="the key of a blog that lives for one test",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "blog.sqlite3"}},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [folder]}],
        LOGIN_REDIRECT_URL="/",
    )
    django.setup()
    _people()
    from django.core.wsgi import get_wsgi_application

    with make_server("127.0.0.1", port, get_wsgi_application()) as server:
        server.serve_forever()


def _people() -> None:
    from django.contrib.auth.models import Group, Permission, User
    from django.contrib.contenttypes.models import ContentType
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    editor = Group.objects.create(name="editor")
    comment = ContentType.objects.create(app_label="blog", model="comment")
    editor.permissions.add(
        Permission.objects.create(codename="moderate_comments", name="Moderate", content_type=comment)
    )
    for name, first, last in (("ada", "Ada", "Lovelace"), ("mo", "Mö", "O'Neill")):
        User.objects.create_user(name, password=f"{name}-password", first_name=first, last_name=last)
    User.objects.get(username="mo").groups.add(editor)


def _urls() -> list[object]:
    import views
    from django.contrib.auth.views import LoginView
    from django.http import HttpResponse
    from django.urls import path

    return [
        path("accounts/login/", LoginView.as_view(template_name="login.html")),
        path("whoami", views.whoami),
        path("comment-token", views.comment_token_view),
        path("", lambda request: HttpResponse(f"Hello {request.user.get_username()}")),
    ]


def __getattr__(name: str) -> object:
    """Django reads `urlpatterns` of this module once everything is set up, and not when it is imported."""
    if name == "urlpatterns":
        return _urls()
    raise AttributeError(name)


if __name__ == "__main__":
    os.environ.setdefault("BLOG_JWT_SECRET", "")
    main(Path(sys.argv[1]), int(sys.argv[2]))
