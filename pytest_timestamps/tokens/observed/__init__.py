"""Observed usage: the tokens that this process, and the children that report to it, saw.

    observed.activate()
    tally = observed.Tally()
    with observed.attribute_to(tally, api_key=key):
        ...  # code that calls a model through the openai SDK
    usage = tally.snapshot()

Nothing that the SDK sends, returns or raises is changed, and nothing is estimated: an answer
without usage makes the tally incomplete, with the reason.
"""

from .activation import activate, deactivate, is_active
from .attribution import attribute_to
from .tally import Sink, Tally

__all__ = ["Sink", "Tally", "activate", "attribute_to", "deactivate", "is_active"]
