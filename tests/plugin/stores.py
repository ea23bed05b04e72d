"""A module ``store`` whose calls in other processes are looked for in the report."""

from typing import Any

import pytest

STORE = """
def price(n):
    return n * 2

def total(n):
    return price(n) + price(n)

def busy():
    for n in range(200):
        price(n)
    return 4

def serve():
    total(1)
    print("ready", flush=True)
    input()
"""
ASKED = ("--timestamps-instrument=store", "--timestamps-subprocesses", "--timestamps-report=json")


def calls_of(report: dict[str, Any], nodeid: str) -> dict[str, int]:
    """The calls of each function in one test."""
    (test,) = [one for one in report["tests"] if one["nodeid"] == nodeid]
    return {row["name"]: row["calls"] for row in test["functions"]}


def calls_of_fixture(report: dict[str, Any], name: str) -> dict[str, int]:
    """The calls of each function in one fixture."""
    (fixture,) = [one for one in report["fixtures"] if one["name"] == name]
    return {row["name"]: row["calls"] for row in fixture["functions"]}


def write_tests(store: pytest.Pytester, start: str, source: str) -> None:
    """The test module: what all of its tests need, and they."""
    store.makepyfile(test_store=f"{start}\n{source}")
