"""A customer's cart."""

from collections import Counter
from decimal import Decimal

from pytest_timestamps import timestamp, timestamp_block
from shop.catalogue import Catalogue
from shop.pricing import Customer, line_price, redeem


class Cart:
    def __init__(self, catalogue: Catalogue, customer: Customer) -> None:
        self._catalogue = catalogue
        self._customer = customer
        self._quantities: Counter[str] = Counter()

    def add(self, sku: str, quantity: int = 1) -> None:
        self._catalogue[sku]
        self._quantities[sku] += quantity

    @timestamp
    def total(self) -> Decimal:
        lines = self._quantities.items()
        return sum(
            (line_price(self._catalogue[sku], n, self._customer) for sku, n in lines), Decimal(0)
        )

    @timestamp
    def check_out(self, voucher: str | None = None) -> str:
        """The receipt."""
        total = self.total()
        if voucher:
            total = redeem(voucher, total)
        with timestamp_block("receipt"):
            lines = [
                f"{n:>4} × {self._catalogue[sku].title}" for sku, n in self._quantities.items()
            ]
            return "\n".join([*lines, f"total {total}"])
