"""The control endpoint: what another process may tell the sandbox, and ask of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pytest_timestamps.errors import ArgumentError

from .answering import error_answer
from .core import SandboxCore
from .ledger import ServedTotals
from .model import TokenUse

__all__ = ["control_routes"]

_ROOT = "/sandbox"
_CALL_FILTERS = ("endpoint", "api_key_id", "project_id", "model", "tag")


def control_routes(core: SandboxCore) -> list[Route]:
    """The routes below ``/sandbox``; they need no key, since only this machine can reach them."""
    control = _ControlRoutes(core)
    return [
        Route(f"{_ROOT}/state", control.state, methods=["GET"]),
        Route(f"{_ROOT}/clock", control.clock, methods=["POST"]),
        Route(f"{_ROOT}/books", control.books, methods=["POST"]),
        Route(f"{_ROOT}/delays", control.delays, methods=["POST"]),
        Route(f"{_ROOT}/faults", control.faults, methods=["POST"]),
        Route(f"{_ROOT}/faults", control.clear_faults, methods=["DELETE"]),
        Route(f"{_ROOT}/projects", control.projects, methods=["POST"]),
        Route(f"{_ROOT}/keys", control.keys, methods=["POST"]),
        Route(f"{_ROOT}/calls", control.list_calls, methods=["GET"]),
        Route(f"{_ROOT}/calls", control.serve_call, methods=["POST"]),
    ]


class _ControlRoutes:
    """Handlers that do what the method of the same name does in this process."""

    def __init__(self, core: SandboxCore) -> None:
        self._core = core

    async def state(self, request: Request) -> Response:
        return JSONResponse(
            {
                "now_s": self._core.clock.now_s(),
                "books": asdict(self._core.books),
                "faults": [asdict(fault) for fault in self._core.faults.planned()],
                "served": asdict(ServedTotals.of(self._core.ledger.calls())),
            }
        )

    async def clock(self, request: Request) -> Response:
        asked = await request.json()
        try:
            now_s = self._core.clock.advance(asked["advance_s"])
        except ArgumentError as error:
            return error_answer(400, str(error), param="advance_s")
        return JSONResponse({"now_s": now_s})

    async def books(self, request: Request) -> Response:
        for name, value in (await request.json()).items():
            if not hasattr(self._core.books, name):
                return error_answer(400, f"The books have no setting {name!r}.", param=name)
            setattr(self._core.books, name, value)
        return JSONResponse(asdict(self._core.books))

    async def delays(self, request: Request) -> Response:
        self._core.set_delays(**await request.json())
        return JSONResponse({})

    async def faults(self, request: Request) -> Response:
        try:
            fault = self._core.faults.add(**await request.json())
        except ArgumentError as error:
            return error_answer(400, str(error), param="kind")
        return JSONResponse(asdict(fault))

    async def clear_faults(self, request: Request) -> Response:
        self._core.faults.clear()
        return JSONResponse({})

    async def projects(self, request: Request) -> Response:
        asked = await request.json()
        return JSONResponse({"id": self._core.accounts.create_project(asked["name"])})

    async def keys(self, request: Request) -> Response:
        return JSONResponse(asdict(self._core.accounts.create_key(**await request.json())))

    async def list_calls(self, request: Request) -> Response:
        query: dict[str, Any] = {
            name: request.query_params[name]
            for name in _CALL_FILTERS
            if name in request.query_params
        }
        return JSONResponse([asdict(call) for call in self._core.ledger.calls(**query)])

    async def serve_call(self, request: Request) -> Response:
        asked = await request.json()
        use = TokenUse(**asked.pop("use"))
        return JSONResponse(asdict(self._core.serve(use=use, **asked)))
