"""Pages: a slice of a list, and the cursor that asks for the next one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

__all__ = ["bucket_page", "object_page"]

_PREFIX = "page_"


def bucket_page(buckets: Sequence[Any], cursor: str | None, limit: int) -> dict[str, Any] | None:
    """The page of usage buckets that *cursor* names; null if no such cursor was handed out."""
    start = 0 if cursor is None else _offset_of(cursor)
    if start is None or start > len(buckets):
        return None
    end = start + limit
    has_more = end < len(buckets)
    return {
        "object": "page",
        "data": list(buckets[start:end]),
        "has_more": has_more,
        "next_page": _cursor_for(end) if has_more else None,
    }


def object_page(objects: Sequence[dict[str, Any]], after: str | None, limit: int) -> dict[str, Any]:
    """The page of *objects* that follows the one whose id is *after*."""
    ids = [entry["id"] for entry in objects]
    start = ids.index(after) + 1 if after in ids else 0
    listed = list(objects[start : start + limit])
    return {
        "object": "list",
        "data": listed,
        "first_id": listed[0]["id"] if listed else None,
        "last_id": listed[-1]["id"] if listed else None,
        "has_more": start + limit < len(objects),
    }


def _cursor_for(offset: int) -> str:
    return _PREFIX + base64.urlsafe_b64encode(str(offset).encode()).decode()


def _offset_of(cursor: str) -> int | None:
    try:
        return int(base64.urlsafe_b64decode(cursor.removeprefix(_PREFIX)))
    except (ValueError, binascii.Error):
        return None
