"""Answers that no provider gave: recordings, mocks, applications in this process."""

from __future__ import annotations

from typing import Any

__all__ = ["is_replayed", "replays_everything"]

_NETWORK_TRANSPORTS = frozenset({"HTTPTransport", "AsyncHTTPTransport"})
_LOCAL_TRANSPORTS = frozenset({"MockTransport", "WSGITransport", "ASGITransport"})
_CACHE_MARKS = ("from_cache", "hishel_from_cache")


def is_replayed(client: Any, response: Any) -> bool:
    """Whether *response*, which *client* received, is known to come from no network.

    The HTTP libraries attach the connection to an answer that came over one. An answer without
    it from the libraries' own network transport was put there by somebody: vcrpy, respx,
    pytest-httpx. Of other transports only the ones that can't reach a network are known, and
    caches that say so; a transport of unknown make is taken to have asked the provider.
    """
    extensions = response.extensions
    if any(extensions.get(mark) for mark in _CACHE_MARKS):
        return True
    if "network_stream" in extensions:
        return False
    return bool(
        _transport_names(client, response.request.url) & (_NETWORK_TRANSPORTS | _LOCAL_TRANSPORTS)
    )


def replays_everything(client: Any, url: Any) -> bool:
    """Whether *client* can't reach a network for *url* at all, not even to fail there."""
    return bool(_transport_names(client, url) & _LOCAL_TRANSPORTS)


def _transport_names(client: Any, url: Any) -> set[str]:
    """The names of the class, and its bases, of the transport that serves *url*."""
    find_transport = getattr(client, "_transport_for_url", None)
    if find_transport is None:
        return set()
    return {
        kind.__name__
        for kind in type(find_transport(url)).__mro__
        if kind.__module__.partition(".")[0] in ("httpx", "httpx2")
    }
