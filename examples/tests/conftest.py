"""A catalogue that is large enough for the search's flaw to show."""

from collections.abc import Iterator

import pytest
from shop.catalogue import Catalogue, import_catalogue

COLOURS = ("red", "green", "blue", "white", "black")
THINGS = ("kettle", "teapot", "cup", "saucer", "spoon", "jug", "tray", "sieve")


def catalogue_lines() -> Iterator[str]:
    for number in range(1_200):
        colour, thing = COLOURS[number % len(COLOURS)], THINGS[number % len(THINGS)]
        description = f"A {colour} {thing} for {number % 7 + 1} people, model {number}, by hand"
        yield f"{thing}-{number}|{colour} {thing}|{description}|{number % 90 + 1}.50\n"


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """Built once: its time is the fixture's, not that of the test which came first."""
    return import_catalogue(catalogue_lines(), source="autumn")
