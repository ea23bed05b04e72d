"""A local endpoint that passes requests on to the provider and counts what comes back.

It covers programs that are not Python: they are given its address as ``OPENAI_BASE_URL``. It is
opt-in, because it stands between the program and the provider, which nothing else here does.
"""

from .endpoint import Forwarder

__all__ = ["Forwarder"]
