"""Usage read from an answer's body: a JSON object, or a stream of server-sent events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .observation import Kind, Observation

__all__ = ["EventStreamReader", "observe_body"]

_UNFINISHED = ("queued", "in_progress")
_FINAL_EVENTS = ("response.completed", "response.incomplete", "response.failed")


def observe_body(body: bytes, content_type: str) -> Observation:
    """What an answer with status 200 says about its usage."""
    try:
        answer = json.loads(body)
    except ValueError:
        return Observation(Kind.UNREADABLE, detail=f"no JSON, but {content_type or 'no type'}")
    if not isinstance(answer, Mapping):
        return Observation(Kind.UNREADABLE, detail="JSON that is no object")
    return _observe_object(answer, Kind.NO_USAGE)


def _observe_object(answer: Mapping[str, Any], without_usage: Kind) -> Observation:
    model = _text(answer.get("model"))
    response_id = _text(answer.get("id"))
    counted = _observe_usage(answer.get("usage"))
    if counted is None:
        waits = answer.get("status") in _UNFINISHED
        return Observation(
            Kind.BACKGROUND if waits else without_usage, model, response_id=response_id
        )
    tier = _text(answer.get("service_tier"))
    return replace(counted, model=model, service_tier=tier, response_id=response_id)


def _observe_usage(usage: object) -> Observation | None:
    """The counters, whichever of the two namings they come in; null unless all are sound."""
    if not isinstance(usage, Mapping):
        return None
    is_named_prompt = "prompt_tokens" in usage
    kinds = ("prompt", "completion") if is_named_prompt else ("input", "output")
    parts = [_mapping(usage.get(f"{kind}_tokens_details")) for kind in kinds]
    counts = (
        usage.get(f"{kinds[0]}_tokens"),
        usage.get(f"{kinds[1]}_tokens", 0),
        parts[0].get("cached_tokens") or 0,
        parts[0].get("cache_write_tokens") or 0,
        parts[1].get("reasoning_tokens") or 0,
    )
    sound = [count for count in counts if type(count) is int and count >= 0]
    if len(sound) < len(counts):
        return None
    return Observation(
        Kind.COUNTED,
        input_tokens=sound[0],
        output_tokens=sound[1],
        cached_tokens=sound[2],
        cache_write_tokens=sound[3],
        reasoning_tokens=sound[4],
    )


class EventStreamReader:
    """Reads a stream of events as its bytes pass, and says what they told.

    Bytes may be cut anywhere. Only events that can hold what is looked for are parsed.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._model = ""
        self._tier = ""
        self._counted: Observation | None = None
        self._is_final = False
        self._error = ""

    @property
    def is_final(self) -> bool:
        """Whether the event has passed after which no usage can follow."""
        return self._is_final

    def feed(self, chunk: bytes) -> None:
        """Read on."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._read(line[5:].strip())

    def observation(self, unfinished: Observation) -> Observation:
        """What the stream told, or *unfinished*, with the model, if it told no final usage."""
        if self._counted is not None and self._is_final:
            return replace(self._counted, model=self._model, service_tier=self._tier)
        if self._error:
            return Observation(Kind.BROKEN, self._model, detail=self._error)
        if self._is_final:
            return Observation(Kind.NO_USAGE_IN_STREAM, self._model)
        return Observation(unfinished.kind, self._model, detail=unfinished.detail)

    def ended(self) -> Observation:
        """What the stream told, now that it has come to its end."""
        if self._rest.startswith(b"data:"):
            self._read(self._rest[5:].strip())
        self._is_final = True
        return self.observation(Observation(Kind.NO_USAGE_IN_STREAM))

    def _read(self, data: bytes) -> None:
        if data == b"[DONE]":
            self._is_final = True
            return
        # A delta that names no model, usage or error can't matter: most aren't parsed twice.
        if self._model and b'"usage"' not in data and b'"error"' not in data:
            return
        try:
            event = json.loads(data)
        except ValueError:
            return
        if isinstance(event, Mapping):
            self._read_event(event)

    def _read_event(self, event: Mapping[str, Any]) -> None:
        kind = event.get("type")
        answer = _mapping(event.get("response")) if "response" in event else event
        self._model = _text(answer.get("model")) or self._model
        self._tier = _text(answer.get("service_tier")) or self._tier
        counted = _observe_usage(answer.get("usage"))
        if counted is not None:
            self._counted = counted
            # A chat stream's last chunk has the usage and no choices.
            self._is_final = self._is_final or event.get("choices") == []
        if kind in _FINAL_EVENTS:
            self._is_final = True
        error = event.get("error")
        if error and counted is None:
            self._error = "the provider reported an error in the stream"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
