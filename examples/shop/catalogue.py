"""The products on sale, and a search that reads every description again for every question."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from pytest_timestamps import timestamp


@dataclass(frozen=True)
class Product:
    sku: str
    title: str
    description: str
    price: Decimal


@timestamp
def words_of(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"\w+", text)}


class Catalogue:
    """Products by SKU, in the order in which they came."""

    def __init__(self, products: Iterable[Product]) -> None:
        self._by_sku = {product.sku: product for product in products}

    def __len__(self) -> int:
        return len(self._by_sku)

    def __getitem__(self, sku: str) -> Product:
        return self._by_sku[sku]

    @timestamp
    def search(self, question: str) -> list[Product]:
        """Products that have every word of the question, the cheapest first."""
        found = [product for product in self._by_sku.values() if self._matches(product, question)]
        return sorted(found, key=lambda product: product.price)

    def _matches(self, product: Product, question: str) -> bool:
        # Both are taken apart again for every product: an index would do it once.
        return words_of(question) <= words_of(f"{product.title} {product.description}")

    @cached_property
    @timestamp
    def price_range(self) -> tuple[Decimal, Decimal]:
        prices = [product.price for product in self._by_sku.values()]
        return min(prices), max(prices)


@timestamp
def read_products(lines: Iterable[str]) -> Iterator[Product]:
    """A generator: the time that its caller takes between two products isn't its own."""
    for line in lines:
        sku, title, description, price = line.rstrip("\n").split("|")
        yield Product(sku, title, description, Decimal(price))


@timestamp(name="catalogue.import {source}")
def import_catalogue(lines: Iterable[str], source: str) -> Catalogue:
    return Catalogue(read_products(lines))
