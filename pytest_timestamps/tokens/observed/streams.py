"""Reading an answer over the shoulder of the program that streams it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from .answers import EventStreamReader
from .exchange import Exchange
from .observation import Kind, Observation

__all__ = ["AnswerWatch", "watched_stream_classes"]


class AnswerWatch:
    """Sees the raw bytes of one answer pass and settles its exchange at the end.

    Events are read as they pass. A JSON body, and an encoded one of any kind, is kept until its
    end and decoded by *decode*.
    """

    def __init__(
        self, exchange: Exchange, headers: Mapping[str, str], decode: Callable[[bytes], bytes]
    ) -> None:
        self._exchange = exchange
        self._decode = decode
        self._is_encoded = headers.get("content-encoding", "identity") != "identity"
        self._content_type = headers.get("content-type", "")
        is_event_stream = self._content_type.startswith("text/event-stream")
        self._events = EventStreamReader() if is_event_stream else None
        self._kept: list[bytes] = []

    def passes(self, chunk: bytes) -> None:
        """A chunk is on its way to the program."""
        if self._exchange.is_settled:
            return
        try:
            if self._events is None or self._is_encoded:
                self._kept.append(chunk)
                return
            self._events.feed(chunk)
            if self._events.is_final:
                self._exchange.settle(self._events.observation(Observation(Kind.ABANDONED)))
        except Exception as error:
            self._exchange.settle(Observation(Kind.OBSERVER, detail=type(error).__name__))

    def ends(self) -> None:
        """The last chunk has passed."""
        if self._exchange.is_settled:
            return
        try:
            body = b"".join(self._kept)
            if self._is_encoded and body:
                body = self._decode(body)
            if self._events is None:
                self._exchange.settle_body(body, self._content_type)
            else:
                self._events.feed(body)
                self._exchange.settle(self._events.ended())
        except Exception as error:
            self._exchange.settle(Observation(Kind.OBSERVER, detail=type(error).__name__))

    def breaks(self, error: BaseException) -> None:
        """Reading failed."""
        self._stop(Observation(Kind.BROKEN, detail=type(error).__name__))

    def closes(self) -> None:
        """The program has closed the answer."""
        self._stop(Observation(Kind.ABANDONED))

    def _stop(self, unfinished: Observation) -> None:
        if self._exchange.is_settled:
            return
        if self._events is None:
            self._exchange.settle(unfinished)
        else:
            self._exchange.settle(self._events.observation(unfinished))


class _WatchedIterator(Iterator[bytes]):
    """Passes each chunk on as it comes. No generator: those want to be closed by somebody."""

    def __init__(self, inner: Iterator[bytes], watch: AnswerWatch) -> None:
        self._inner = inner
        self._watch = watch

    def __next__(self) -> bytes:
        try:
            chunk = next(self._inner)
        except StopIteration:
            self._watch.ends()
            raise
        except BaseException as error:
            self._watch.breaks(error)
            raise
        self._watch.passes(chunk)
        return chunk


class _WatchedAsyncIterator(AsyncIterator[bytes]):
    """The same for an async client."""

    def __init__(self, inner: AsyncIterator[bytes], watch: AnswerWatch) -> None:
        self._inner = inner
        self._watch = watch

    async def __anext__(self) -> bytes:
        try:
            chunk = await anext(self._inner)
        except StopAsyncIteration:
            self._watch.ends()
            raise
        except BaseException as error:
            self._watch.breaks(error)
            raise
        self._watch.passes(chunk)
        return chunk


def watched_stream_classes(http_library: Any) -> tuple[type, type]:
    """The classes that stand in for an answer's stream: sync and async, for *http_library*.

    They are made here because they must derive from the library's own classes, which this
    package never imports by itself. What they don't know the stream they stand for does.
    """

    class WatchedStream(http_library.SyncByteStream):  # type: ignore[misc]  # a class at runtime
        def __init__(self, inner: Any, watch: AnswerWatch) -> None:
            self._inner = inner
            self._watch = watch

        def __iter__(self) -> Iterator[bytes]:
            return _WatchedIterator(iter(self._inner), self._watch)

        def close(self) -> None:
            self._watch.closes()
            self._inner.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    class WatchedAsyncStream(http_library.AsyncByteStream):  # type: ignore[misc]  # as above
        def __init__(self, inner: Any, watch: AnswerWatch) -> None:
            self._inner = inner
            self._watch = watch

        def __aiter__(self) -> AsyncIterator[bytes]:
            return _WatchedAsyncIterator(aiter(self._inner), self._watch)

        async def aclose(self) -> None:
            self._watch.closes()
            await self._inner.aclose()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    return WatchedStream, WatchedAsyncStream
