"""The organization endpoints: usage, costs, service accounts and their keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .accounts import Accounts, ApiKey, ServiceAccount
from .answering import error_answer, presented_key
from .core import SandboxCore
from .faults import FaultKind
from .paging import bucket_page, object_page
from .questions import BadQuestionError, Question, parse_question

__all__ = ["organization_routes"]

_Handler = Callable[[Request], Awaitable[Response]]
_ROOT = "/v1/organization"


def organization_routes(core: SandboxCore) -> list[Route]:
    """The routes that want the admin key."""

    def admin(handler: _Handler) -> _Handler:
        async def checked(request: Request) -> Response:
            if presented_key(request) == core.accounts.admin_key:
                return await handler(request)
            if core.accounts.key_by_value(presented_key(request)):
                return error_answer(
                    403,
                    "You have insufficient permissions for this operation. "
                    "Missing scopes: api.usage.read.",
                    code="missing_scope",
                )
            return error_answer(401, "Incorrect admin key provided.", code="invalid_api_key")

        return checked

    async def usage(request: Request) -> Response:
        family = request.path_params.get("family", "costs")
        try:
            question = parse_question(family, request.query_params.multi_items())
        except BadQuestionError as error:
            return error_answer(400, str(error), param=error.param)
        by_key = family == "costs" and "api_key_id" in question.group_by
        if by_key and not core.books.costs_by_key:
            return error_answer(400, "Cannot group by 'api_key_id'.", param="group_by")
        return _usage_answer(core, family, question, request)

    accounts = _AccountRoutes(core.accounts)
    project = f"{_ROOT}/projects/{{project_id}}"
    one_account = f"{project}/service_accounts/{{account_id}}"
    return [
        Route(f"{_ROOT}/usage/{{family}}", admin(usage)),
        Route(f"{_ROOT}/costs", admin(usage)),
        Route(f"{project}/service_accounts", admin(accounts.list), methods=["GET"]),
        Route(f"{project}/service_accounts", admin(accounts.create), methods=["POST"]),
        Route(one_account, admin(accounts.show), methods=["GET"]),
        Route(one_account, admin(accounts.delete), methods=["DELETE"]),
        Route(f"{one_account}/api_keys", admin(accounts.add_key), methods=["POST"]),
        Route(f"{project}/api_keys", admin(accounts.list_keys), methods=["GET"]),
        Route(f"{project}/api_keys/{{key_id}}", admin(accounts.show_key), methods=["GET"]),
        Route(f"{project}/api_keys/{{key_id}}", admin(accounts.delete_key), methods=["DELETE"]),
    ]


def _usage_answer(core: SandboxCore, family: str, asked: Question, request: Request) -> Response:
    fault = request.scope.get("sandbox_fault")
    kind = fault.kind if fault is not None else None
    question = asked.usage_until(int(core.clock.now_s()))
    buckets = core.usage(family, question, hide_rows=kind is FaultKind.ZEROS)
    page = bucket_page(buckets, asked.page, min(asked.limit, core.books.page_size))
    if page is None:
        return error_answer(400, f"Invalid cursor: {asked.page!r}.", param="page")
    if kind is FaultKind.REPEATED_CURSOR:
        page |= {"has_more": True, "next_page": asked.page or "page_MA=="}
    return JSONResponse(page)


class _AccountRoutes:
    """Handlers for a project's service accounts and keys."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def list(self, request: Request) -> Response:
        listed = self._accounts.service_accounts(request.path_params["project_id"])
        return _object_page(request, [_account_object(account) for account in listed])

    async def create(self, request: Request) -> Response:
        project_id = request.path_params["project_id"]
        if not self._accounts.has_project(project_id):
            return error_answer(400, f"No such project: {project_id}.", param="project_id")
        body = await request.json()
        if not isinstance(body.get("name"), str):
            return error_answer(400, "Missing required parameter: 'name'.", param="name")
        account = self._accounts.create_service_account(body["name"], project_id)
        answer = _account_object(account) | {"api_key": None}
        if body.get("create_service_account_only"):
            return JSONResponse(answer | {"role": "none"})
        key = self._accounts.create_key("Secret Key", project_id, account.id)
        return JSONResponse(answer | {"api_key": _new_key_object(key)})

    async def show(self, request: Request) -> Response:
        account = self._account(request)
        return _not_found() if account is None else JSONResponse(_account_object(account))

    async def delete(self, request: Request) -> Response:
        account = self._account(request)
        if account is None:
            return _not_found()
        self._accounts.delete_service_account(account.id)
        return _deleted("organization.project.service_account.deleted", account.id)

    async def add_key(self, request: Request) -> Response:
        account = self._account(request)
        if account is None:
            return _not_found()
        body = await request.json() if await request.body() else {}
        name = body.get("name") or "Secret Key"
        key = self._accounts.create_key(name, account.project_id, account.id)
        return JSONResponse(_new_key_object(key))

    async def list_keys(self, request: Request) -> Response:
        listed = self._accounts.keys(request.path_params["project_id"])
        return _object_page(request, [self._key_object(key) for key in listed])

    async def show_key(self, request: Request) -> Response:
        key = self._key(request)
        return _not_found() if key is None else JSONResponse(self._key_object(key))

    async def delete_key(self, request: Request) -> Response:
        key = self._key(request)
        if key is None:
            return _not_found()
        self._accounts.delete_key(key.id)
        return _deleted("organization.project.api_key.deleted", key.id)

    def _account(self, request: Request) -> ServiceAccount | None:
        params = request.path_params
        return self._accounts.service_account(params["project_id"], params["account_id"])

    def _key(self, request: Request) -> ApiKey | None:
        return self._accounts.key(request.path_params["project_id"], request.path_params["key_id"])

    def _key_object(self, key: ApiKey) -> dict[str, Any]:
        account = self._accounts.service_account(key.project_id, key.service_account_id)
        return {
            "object": "organization.project.api_key",
            "id": key.id,
            "name": key.name,
            "redacted_value": key.redacted_value,
            "created_at": key.created_at_s,
            "last_used_at": None,
            "owner_project_access": "active",
            "owner": _user_owner(key) if account is None else _account_owner(account),
        }


def _object_page(request: Request, objects: list[dict[str, Any]]) -> Response:
    query = request.query_params
    return JSONResponse(object_page(objects, query.get("after"), int(query.get("limit", 20))))


def _account_object(account: ServiceAccount) -> dict[str, Any]:
    return {
        "object": "organization.project.service_account",
        "id": account.id,
        "name": account.name,
        "role": "member",
        "created_at": account.created_at_s,
    }


def _account_owner(account: ServiceAccount) -> dict[str, Any]:
    shown = _account_object(account)
    del shown["object"]
    return {"type": "service_account", "service_account": shown}


def _user_owner(key: ApiKey) -> dict[str, Any]:
    user = {
        "id": "user-sandbox",
        "email": "sandbox@example.invalid",
        "name": "Sandbox",
        "created_at": key.created_at_s,
        "role": "member",
    }
    return {"type": "user", "user": user}


def _new_key_object(key: ApiKey) -> dict[str, Any]:
    return {
        "object": "organization.project.service_account.api_key",
        "id": key.id,
        "name": key.name,
        "value": key.value,
        "created_at": key.created_at_s,
    }


def _deleted(kind: str, object_id: str) -> Response:
    return JSONResponse({"object": kind, "id": object_id, "deleted": True})


def _not_found() -> Response:
    return error_answer(404, "No such object in this project.", code="not_found")
