"""What became of one try to ask a model: the value that tallies and journals carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self

__all__ = ["Kind", "Observation"]


class Kind(StrEnum):
    """How a try ended. Everything from `NO_USAGE` on leaves something unknown."""

    COUNTED = "counted"
    """An answer with its usage."""
    NOT_CHARGED = "not_charged"
    """A refusal, or a try that never left this machine: the provider counts no call."""
    REPLAYED = "replayed"
    """An answer from a recording or a mock."""
    BACKGROUND = "background"
    """The provider works on; a later look at the response will tell the usage."""
    NO_USAGE = "no_usage"
    """An answer without its usage."""
    NO_USAGE_IN_STREAM = "no_usage_in_stream"
    """A stream that came to its end without its usage."""
    ABANDONED = "abandoned"
    """A stream that was closed before its usage arrived."""
    BROKEN = "broken"
    """An answer that broke off while it was read."""
    NO_ANSWER = "no_answer"
    """The request may have arrived; no answer did."""
    UNREADABLE = "unreadable"
    """An answer with a good status that isn't what was expected."""
    GATEWAY = "gateway"
    """A gateway answered that the provider's answer is lost."""
    OTHER_ENDPOINT = "other_endpoint"
    """A call whose usage is not counted here."""
    FOREIGN_KEY = "foreign_key"
    """A call with another key than the run's."""
    STRAY = "stray"
    """A call with the run's key, made by code that belongs to no run."""
    OBSERVER = "observer"
    """The observer itself failed."""
    JOURNAL = "journal"
    """A child process's record can't be read, or wasn't kept."""


@dataclass(frozen=True, slots=True)
class Observation:
    """The end of one try.

    ``model`` is the one that the answer names; empty where no answer did. The counters are those
    of `TierUsage`. ``detail`` says what a person needs to know of the kind, ``response_id`` names
    a response that the provider works on in the background, or the one that was looked at again.
    """

    kind: Kind
    model: str = ""
    service_tier: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    detail: str = ""
    response_id: str = ""

    @property
    def is_charged(self) -> bool:
        """Whether the provider has, or may have, counted a call."""
        return self.kind not in (Kind.NOT_CHARGED, Kind.REPLAYED)

    def turned_into(self, kind: Kind) -> Self:
        """The same try seen as another kind, without its counters."""
        return type(self)(kind, detail=self.detail)

    def with_detail(self, detail: str) -> Self:
        """The same with another detail."""
        return replace(self, detail=detail)

    def to_json(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """The observation that `to_json` described; raises ``TypeError`` or ``ValueError``."""
        return cls(**{**fields, "kind": Kind(fields["kind"])})
