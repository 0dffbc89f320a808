"""The preview's web application: the frame page, the views in it, and word of what has changed."""

from __future__ import annotations

import json
import mimetypes
import secrets
from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from pressrun.errors import PressrunError
from pressrun.preview.board import Board
from pressrun.preview.look import Look, View, Width, read_look
from pressrun.preview.panel import chosen, panel_values
from pressrun.preview.proof import Proof
from pressrun.preview.scheme import Scheme
from pressrun.preview.views import archive_view, empty_view, feed_view, mail_view, text_view
from pressrun.render.environment import make_html_environment, render_template
from pressrun.workspace import Workspace

HOSTS = ["127.0.0.1", "localhost"]
"""The names it answers to: a page from elsewhere whose name was made to lead here learns nothing."""

_SANDBOX = (
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox allow-downloads; frame-ancestors 'self'"
)
_VIEW_POLICY = "default-src 'none'; img-src {images}; style-src 'self' 'unsafe-inline'; " + _SANDBOX
_FRAME_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; frame-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_KEPT = "private, max-age=86400, immutable"
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def make_preview_app(board: Board, workspace: Workspace, name: str) -> Starlette:
    """The ASGI application that shows what `board` holds of the issue called `name`.

    It serves the proof's views and the issue's own pictures, to nobody but this machine.
    """
    pages = _Pages(board, workspace, name)
    routes = [
        Route("/", pages.frame),
        Route("/panel", pages.panel),
        Route("/events", pages.events),
        Route("/view/archive/{scheme}/{path:path}", pages.archive),
        Route("/view/{view}", pages.view),
        Route("/media/{path:path}", pages.picture),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)],
        exception_handlers={PressrunError: _tell_error},
    )


class _Pages:
    """What each route answers."""

    def __init__(self, board: Board, workspace: Workspace, name: str) -> None:
        self._board, self._workspace, self._name = board, workspace, name
        self._run = secrets.token_hex(8)  # a page left open over a restart loads itself anew

    async def frame(self, request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        policy = _FRAME_POLICY.format(nonce=nonce)
        look = _look_of(request)
        values = {"nonce": nonce, "run": self._run, "issue": self._name, "cards": self._cards(look), "widths": Width}
        return _page(self._render("frame", look, **values), policy)

    async def panel(self, request: Request) -> Response:
        return _page(self._render("parts", _look_of(request)), "default-src 'none'")

    async def events(self, request: Request) -> Response:
        """Server-Sent Events (HTML Living Standard §9.2): one at once, and one whenever something newer is shown."""
        return StreamingResponse(self._tell(), media_type="text/event-stream", headers=_HEADERS)

    async def view(self, request: Request) -> Response:
        look, proof, folders = _look_of(request), self._board.now.proof, self._workspace.template_folders
        if request.path_params["view"] not in {View.MAIL, View.TEXT, View.FEED}:
            return _missing()
        if proof is None:
            return _view(empty_view(look.scheme, folders))
        match View(request.path_params["view"]):
            case View.MAIL:
                return _view(mail_view(proof, look), images=look.images)
            case View.TEXT:
                return _view(text_view(proof, look, folders))
            case _:
                return _view(feed_view(proof, look, folders))

    async def archive(self, request: Request) -> Response:
        scheme, path, proof = request.path_params["scheme"], request.path_params["path"], self._board.now.proof
        if scheme not in set(Scheme):
            return _missing()
        if proof is None:
            return _view(empty_view(Scheme(scheme), self._workspace.template_folders))
        if (found := archive_view(proof, path, Scheme(scheme))) is None:
            return _missing()
        own, text = found
        return _view(text, media_type=mimetypes.guess_type(own)[0] or "text/plain")

    async def picture(self, request: Request) -> Response:
        proof = self._board.now.proof
        name, is_stamped = f"media/{request.path_params['path']}", "v" in request.query_params
        return _picture(proof, name, is_stamped=is_stamped) if proof else _missing()

    def _render(self, template: str, look: Look, **values: object) -> str:
        environment = make_html_environment(self._workspace.template_folders)
        environment.globals["chosen"] = chosen
        values |= panel_values(self._board.now, look)
        return render_template(environment, f"preview/{template}.html.j2", **values)

    def _cards(self, look: Look) -> list[tuple[View, str, str]]:
        """Each view, its address as it is now, and its address with `{scheme}` and `{query}` open."""
        issue = self._name.partition("/")[2]
        cards = []
        for view in View:
            address = f"/view/{view}?{{query}}"
            if view is View.ARCHIVE:
                address = f"/view/archive/{{scheme}}/{quote(issue)}/"
            cards.append((view, address.format(scheme=look.scheme, query=look.query), address))
        return cards

    async def _tell(self) -> AsyncIterator[str]:
        async for showing in self._board.newer():
            said = {"run": self._run, "version": showing.version, "made": showing.made, "faults": len(showing.faults)}
            yield f"data: {json.dumps(said)}\n\n"


def _look_of(request: Request) -> Look:
    return read_look(request.query_params.multi_items())


def _page(text: str, policy: str) -> Response:
    return HTMLResponse(text, headers=_HEADERS | {"Content-Security-Policy": policy})


def _view(text: str, *, images: bool = True, media_type: str = "text/html") -> Response:
    """A view without scripts and with nothing from elsewhere; without `images` none is shown, as mail programs do."""
    policy = _VIEW_POLICY.format(images="'self' data:" if images else "'none'")
    return Response(text, media_type=media_type, headers=_HEADERS | {"Content-Security-Policy": policy})


def _picture(proof: Proof, name: str, *, is_stamped: bool) -> Response:
    """The picture called `name`, if the issue shows one so called: no path of the request's leads to a file.

    One whose address is stamped with its file's time may be kept: four views show it again at every save.
    """
    file = proof.find_picture(name)
    if file is None or not file.is_file():
        return _missing()
    headers = _HEADERS | {"Content-Security-Policy": "default-src 'none'; sandbox"}
    return FileResponse(file, headers=headers | {"Cache-Control": _KEPT} if is_stamped else headers)


def _missing() -> Response:
    headers = _HEADERS | {"Content-Security-Policy": f"default-src 'none'; {_SANDBOX}"}
    return PlainTextResponse("The preview shows this issue alone; there is nothing at this address.\n", 404, headers)


async def _tell_error(request: Request, error: Exception) -> Response:
    """A fault of the preview's own templates; the issue's are told on the page."""
    return PlainTextResponse(f"{error}\n", 500, _HEADERS)
