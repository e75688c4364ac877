"""What the description of the API says before everything else, with a table of all problems. A part of `openapi`."""

from service.errors import PROBLEMS
from service.web.links import Links
from service.web.routes import ANYWHERE, OFF_ROUTE

ABOUT = """**Who is speaking.** Send the token of the blog's own login as `Authorization: Bearer ...`. A site may name
a cookie instead: a write that rests on a cookie must carry an `Origin` of the site's list. An API key (`gp_...`) is a
bearer token as well; it may moderate, not comment. A credential that is not accepted is 401, also where none is
needed.

**Requests.** Bodies are JSON in UTF-8, no larger than their call needs; what a call does not know is refused, in the
body and in the query. `X-Request-ID` is accepted and comes back with every reply. Lists have a `limit` and a `cursor`;
`next` is the cursor of the rest.

**Problems** are `application/problem+json` (RFC 9457); programs look at `code`, people at `/problems/{code}`.

{problems}
"""


def problem_table(links: Links) -> str:
    """Every problem, in Markdown."""
    anywhere = ", ".join(f"`{problem.code}` ({problem.status})" for problem in ANYWHERE)
    off_route = ", ".join(f"`{problem.code}` ({problem.status})" for problem in OFF_ROUTE)
    rows = "\n".join(
        f"| [`{code}`]({links.to(f'/problems/{code}')}) | {problem.status} | {problem.title} |"
        for code, problem in PROBLEMS.items()
    )
    return (
        f"Every call may meet {anywhere}; a request that fits no path or method meets {off_route}.\n\n"
        f"| code | status | meaning |\n|---|---|---|\n{rows}"
    )
