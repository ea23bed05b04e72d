"""What signal handlers raise: they run wherever the program is, in the midst of recording too."""

from __future__ import annotations

__all__ = ["comes_from_signal"]


def comes_from_signal(error: BaseException) -> bool:
    """Has a handler of a signal raised ``error``, or what it has called?"""
    # seldom needed, and production code shall not import it for recording's sake
    import signal

    codes = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()}
    codes.discard(None)
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in codes:
            return True
        traceback = traceback.tb_next
    return False


def _code_of(handler: object) -> object:
    """Of a function, a method, or an object that can be called; None for anything else."""
    own = getattr(handler, "__code__", None)
    # its class has a function in the place of a method
    return own or getattr(getattr(handler, "__call__", None), "__code__", None)  # noqa: B004
