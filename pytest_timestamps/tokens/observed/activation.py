"""Switching observation on and off."""

from __future__ import annotations

import sys
import threading

from .import_watch import ImportWatch
from .inheritance import EXECUTOR_MODULE, executor_patches, thread_patches
from .patching import Patch
from .seam import HTTP_LIBRARIES, send_patches
from .sockets import SOCKET_MODULES, socket_patches

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
        _install(thread_patches())
        watched = ("openai", EXECUTOR_MODULE, *HTTP_LIBRARIES, *SOCKET_MODULES)
        _watch = ImportWatch(watched, _on_import)
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
    with _lock:
        if name == EXECUTOR_MODULE:
            _install(executor_patches(sys.modules[name]))
        if "openai" not in sys.modules:
            return
        for library_name in HTTP_LIBRARIES:
            library = sys.modules.get(library_name)
            if hasattr(library, "Client") and hasattr(library, "AsyncClient"):
                _install(send_patches(library))
        for module_name in SOCKET_MODULES:
            module = sys.modules.get(module_name)
            if hasattr(module, "connect"):
                _install(socket_patches(module_name, module))


def _install(patches: list[Patch]) -> None:
    """Install what is not installed yet: ``httpx`` may be another name of ``httpx2``."""
    replaced = {(patch.owner, patch.name) for patch in _patches}
    for patch in patches:
        if (patch.owner, patch.name) not in replaced:
            patch.install()
            _patches.append(patch)
