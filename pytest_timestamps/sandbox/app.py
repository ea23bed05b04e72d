"""The ASGI application: model, organization and control routes under the fault layer."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from .answering import error_answer
from .control_routes import control_routes
from .core import SandboxCore
from .injection import FaultInjection
from .model_routes import model_routes
from .organization_routes import organization_routes

__all__ = ["sandbox_app"]

_LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]", "::1"]


def sandbox_app(core: SandboxCore) -> ASGIApp:
    """*core* as an application.

    Requests whose ``Host`` is no loopback name are refused, so that a web page that a browser on
    this machine shows can't reach the sandbox under a name of its own.
    """
    routes = model_routes(core) + organization_routes(core) + control_routes(core)
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=_LOOPBACK_NAMES)
    application = Starlette(
        routes=routes, middleware=[guard], exception_handlers={404: _unknown_path}
    )
    return FaultInjection(application, core.faults)


async def _unknown_path(request: Request, error: Exception) -> Response:
    return error_answer(
        404, f"The sandbox has nothing at {request.method} {request.url.path}.", code="not_found"
    )
