"""What a line of a cart costs a customer."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from pytest_timestamps import timestamp
from shop.catalogue import Product

CENT = Decimal("0.01")
VOLUME_STEPS = ((100, Decimal("0.15")), (10, Decimal("0.05")))


@dataclass(frozen=True)
class Customer:
    name: str
    years: int = 0


class UnknownVoucher(ValueError):
    """A voucher that isn't one of ours."""


@timestamp
def discount_for(customer: Customer, quantity: int) -> Decimal:
    volume = next((rate for least, rate in VOLUME_STEPS if quantity >= least), Decimal(0))
    return volume + min(customer.years, 5) * CENT


@timestamp
def line_price(product: Product, quantity: int, customer: Customer) -> Decimal:
    full = product.price * quantity
    return (full * (1 - discount_for(customer, quantity))).quantize(CENT, ROUND_HALF_UP)


@timestamp
def redeem(voucher: str, total: Decimal) -> Decimal:
    """The total less the voucher's worth; an unknown voucher is counted as an error."""
    if not voucher.startswith("SHOP-"):
        raise UnknownVoucher(voucher)
    return max(total - Decimal(voucher.removeprefix("SHOP-")), Decimal(0))
