"""What recording costs, by kind of span: the inner part lies inside the span, the outer around it.

The inner part is taken out of the span itself, the outer part out of the span that called it,
and both out of everything further out.
"""

__all__ = ["NO_OVERHEAD", "Cost", "SpanCosts"]


class Cost:
    """Nanoseconds that one stretch of recording adds; ``spread_ns`` is half the quartile range.

    ``full_ns``, inner and outer together, is what it adds to whoever encloses it.
    """

    __slots__ = ("full_ns", "inner_ns", "outer_ns", "spread_ns")

    def __init__(self, inner_ns: float, outer_ns: float, spread_ns: float = 0.0) -> None:
        self.inner_ns = inner_ns
        self.outer_ns = outer_ns
        self.full_ns = inner_ns + outer_ns
        self.spread_ns = spread_ns


class SpanCosts:
    """The cost of a span by its site's kind; ``slow`` is that of one on a guarded lane."""

    __slots__ = ("block", "code", "slow", "wrapper")

    def __init__(self, code: Cost, wrapper: Cost, block: Cost, slow: Cost) -> None:
        self.code = code
        self.wrapper = wrapper
        self.block = block
        self.slow = slow

    def of(self, kind: str) -> Cost:
        """The cost of a plain span of ``kind``."""
        if kind == "code":
            return self.code
        return self.wrapper if kind == "wrapper" else self.block


_FREE = Cost(0.0, 0.0)
NO_OVERHEAD = SpanCosts(_FREE, _FREE, _FREE, _FREE)
"""Nothing calibrated: nothing is taken out."""
