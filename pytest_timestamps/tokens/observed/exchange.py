"""One try: from the moment when a request is handed to the HTTP library to the answer's end."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import attribution
from .answers import observe_body
from .endpoints import Charge, charge_of, endpoint_name, presented_key
from .observation import Kind, Observation
from .origins import is_counted_elsewhere

__all__ = ["AskedRequest", "Exchange", "begin_exchange"]

_NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol"})
_GATEWAY_STATUSES = frozenset({502, 504, *range(520, 528)})
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class AskedRequest:
    """What matters of a request.

    ``headers`` are those of the request itself, in which a lower layer may still put the key, and
    are looked up by lower-case names.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    charge: Charge


class Exchange:
    """Tells everyone concerned that a try has begun, and once how it ended.

    A run is concerned by a call that is its own. A call that belongs to nobody concerns every
    open run whose key it uses: their tallies can't be complete.
    """

    def __init__(self, asked: AskedRequest, owner: attribution.Attribution | None) -> None:
        self.number = next(_numbers)
        self.asked = asked
        self.is_settled = False
        self._owner = owner
        self._concerned = (owner,) if owner is not None else self._runs_with_this_key()

    @property
    def concerns_nobody(self) -> bool:
        """Whether there is no one to tell."""
        return not self._concerned

    def begin(self) -> None:
        """Say that the try is under way."""
        for concerned in self._concerned:
            if concerned.sink is not None:
                concerned.sink.begin(self.number)

    def settle(self, observation: Observation) -> None:
        """Say how the try ended; only the first time counts."""
        if self.is_settled:
            return
        self.is_settled = True
        for concerned in self._concerned:
            if concerned.sink is None:
                continue
            seen = self._as_seen_by(concerned, observation)
            if self.asked.charge is Charge.LOOKED_AT:
                concerned.sink.look_again(self.number, seen)
            else:
                concerned.sink.settle(self.number, seen)

    def settle_elsewhere(self) -> bool:
        """Settle the try if its endpoint is none whose answers tell usage."""
        if self.asked.charge is not Charge.ELSEWHERE:
            return False
        name = endpoint_name(self.asked.method, self.asked.path)
        self.settle(Observation(Kind.OTHER_ENDPOINT, detail=name))
        return True

    def settle_body(self, body: bytes, content_type: str) -> None:
        """The whole answer is there: say what it tells."""
        self.settle(observe_body(body, content_type))

    def settle_failed(self, error: BaseException) -> None:
        """The HTTP library raised *error* in place of an answer."""
        names = {kind.__name__ for kind in type(error).__mro__}
        if names & _NEVER_SENT:
            self.settle(Observation(Kind.NOT_CHARGED))
        else:
            self.settle(Observation(Kind.NO_ANSWER, detail=type(error).__name__))

    def settle_refused(self, status: int) -> bool:
        """Settle the try if *status* is an error's."""
        if status < 400:
            return False
        if status in _GATEWAY_STATUSES:
            self.settle(Observation(Kind.GATEWAY, detail=f"status {status}"))
        else:
            self.settle(Observation(Kind.NOT_CHARGED))
        return True

    def _runs_with_this_key(self) -> tuple[attribution.Attribution, ...]:
        key = presented_key(self.asked.headers)
        return tuple(run for run in attribution.open_attributions() if run.is_own_key(key))

    def _as_seen_by(
        self, concerned: attribution.Attribution, observation: Observation
    ) -> Observation:
        if not observation.is_charged:
            return observation
        if self._owner is None:
            return observation.turned_into(Kind.STRAY)
        # The key is read now, because the HTTP library may have added it while sending.
        if not concerned.is_own_key(presented_key(self.asked.headers)):
            return observation.turned_into(Kind.FOREIGN_KEY)
        return observation


def begin_exchange(request: Any) -> Exchange | None:
    """The exchange that *request*, the HTTP library's, begins; null if it concerns no run."""
    charge = charge_of(request.method, request.url.path)
    if charge is Charge.NONE or is_counted_elsewhere(request.url):
        return None
    asked = AskedRequest(request.method, request.url.path, request.headers, charge)
    exchange = Exchange(asked, attribution.current())
    if exchange.concerns_nobody:
        return None
    exchange.begin()
    return exchange
