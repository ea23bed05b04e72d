"""Switching observation on and off."""

from __future__ import annotations

import sys
import threading

from .import_watch import ImportWatch
from .inheritance import inheritance_patches
from .patching import Patch
from .seam import HTTP_LIBRARIES, send_patches

__all__ = ["activate", "deactivate", "is_active"]

_lock = threading.RLock()
_users = 0
_patches: list[Patch] = []
_watch: ImportWatch | None = None


def activate() -> None:
    """Observe from now on; each call wants a `deactivate` of its own.

    Nothing is imported. The HTTP library's ``send`` is replaced once ``openai`` has been
    imported, by whomever.
    """
    global _users, _watch
    with _lock:
        _users += 1
        if _users > 1:
            return
        for patch in inheritance_patches():
            patch.install()
            _patches.append(patch)
        _watch = ImportWatch(("openai", *HTTP_LIBRARIES), _on_import)
        _watch.start()


def deactivate() -> None:
    """Take back one `activate`; the last one leaves everything as it was."""
    global _users, _watch
    with _lock:
        if _users == 0:
            return
        _users -= 1
        if _users:
            return
        if _watch is not None:
            _watch.stop()
            _watch = None
        for patch in reversed(_patches):
            patch.remove()
        _patches.clear()


def is_active() -> bool:
    """Whether anyone observes."""
    return _users > 0


def _on_import(name: str) -> None:
    """*name* has been imported: replace what is there to be replaced."""
    if "openai" not in sys.modules:
        return
    with _lock:
        replaced = {patch.owner for patch in _patches}
        for library_name in HTTP_LIBRARIES:
            library = sys.modules.get(library_name)
            client = getattr(library, "Client", None)
            if client is None or client in replaced:
                continue
            for patch in send_patches(library):
                patch.install()
                _patches.append(patch)
            replaced.add(client)
