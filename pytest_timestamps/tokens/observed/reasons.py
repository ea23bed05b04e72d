"""Why a tally is incomplete, in words."""

from __future__ import annotations

from collections.abc import Mapping

from .observation import Kind, Observation

__all__ = ["pending_reason", "reason_of", "with_times"]

_TEXTS: Mapping[Kind, str] = {
    Kind.BACKGROUND: "a background response{of_model} whose usage was never fetched",
    Kind.NO_USAGE: "an answer{of_model} without usage",
    Kind.NO_USAGE_IN_STREAM: (
        "a stream{of_model} without usage; it comes with stream_options={{'include_usage': True}}"
    ),
    Kind.ABANDONED: "a stream{of_model} closed before its usage arrived",
    Kind.BROKEN: "an answer{of_model} that broke off: {detail}",
    Kind.NO_ANSWER: "a try whose answer never arrived: {detail}",
    Kind.UNREADABLE: "an answer that could not be read: {detail}",
    Kind.GATEWAY: "a try that a gateway answered in the provider's place: {detail}",
    Kind.OTHER_ENDPOINT: "a call of an endpoint that is not counted: {detail}",
    Kind.FOREIGN_KEY: "a call with another key than the run's",
    Kind.STRAY: "a call with the run's key from code that belongs to no run",
    Kind.OBSERVER: "a call that could not be observed: {detail}",
    Kind.JOURNAL: "a child process whose record is incomplete: {detail}",
}


def reason_of(observation: Observation) -> str | None:
    """The reason that *observation* gives, or null if it leaves nothing unknown."""
    text = _TEXTS.get(observation.kind)
    if text is None:
        return None
    of_model = f" of {observation.model}" if observation.model else ""
    return text.format(of_model=of_model, detail=observation.detail)


def pending_reason(count: int, *, in_children: bool) -> str:
    """The reason that *count* tries give that have not ended."""
    where = " in a child process" if in_children else ""
    return with_times(f"a try{where} that was still waiting for its answer", count)


def with_times(reason: str, count: int) -> str:
    """*reason*, and how often it was given if more than once."""
    return reason if count == 1 else f"{reason} ({count} times)"
