"""What went wrong as an answer: a page to who reads pages, problem+json to others; never a traceback."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from analytics_es.errors import AnalyticsError
from analytics_es.presentation.html import Links, rendered_failure, static
from analytics_es.presentation.question import Question
from analytics_es.types.sentences import of_error
from analytics_es.web.answers import OTLP, failed, headers_of, path_of, problem
from analytics_es.web.headers import HTML, is_of_browser
from analytics_es.web.refusals import NoSuchPath, RequestRefused, status_of

DATA = (".json", ".csv", ".arrow")  # how a path ends whose answer is for programs
_TITLES = {
    401: "A token is needed",
    404: "Nothing is here",
    500: "Something went wrong",
    503: "There is no answer now",
}
REFUSED = "This cannot be answered"
AGAIN = {"Retry-After": "5"}


def told(request: Request, error: AnalyticsError, *, as_page: bool | None = None) -> Response:
    """Return the answer to a request that fails, as a page where that is asked for: by its path, else by who asks."""
    is_page = _is_for_a_page(request) if as_page is None else as_page
    if not is_page and isinstance(error, RequestRefused):
        return failed(request, error)
    status = status_of(error)
    headers = headers_of(error) if isinstance(error, RequestRefused) else AGAIN if status == 503 else {}
    title = _TITLES.get(status, REFUSED)
    if not is_page:
        return problem(error, status, title, headers=headers)
    text = "There is no such page." if isinstance(error, NoSuchPath) else of_error(error)
    page = path_of(request).strip("/")
    links = Links(page=page, question=Question(), root=root_of(request), style=static.address("page.css"))
    return Response(rendered_failure(title, text, links), status, media_type=HTML, headers=headers)


def root_of(request: Request) -> str:
    """Return what stands before all addresses, where the app is mounted; two slashes would lead to another site."""
    root = quote(str(request.scope.get("root_path", "")).strip("/"))
    return f"/{root}" if root else ""


def _is_for_a_page(request: Request) -> bool:
    path = path_of(request)
    return is_of_browser(request) and path not in OTLP and not path.endswith(DATA)
