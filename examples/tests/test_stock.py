import asyncio
import unittest

import pytest
from shop.stock import WarehouseClosed, level, level_in


@pytest.mark.asyncio
async def test_the_warehouses_are_asked_all_at_once() -> None:
    assert await level("kettle") == 4


@pytest.mark.asyncio
async def test_what_nobody_holds_is_out_of_stock() -> None:
    levels = await asyncio.gather(*(level(f"spoon-{number}") for number in range(20)))
    assert levels == [0] * 20


@pytest.mark.asyncio
async def test_a_closed_warehouse_is_an_error() -> None:
    with pytest.raises(WarehouseClosed, match="atlantis"):
        await level_in("atlantis", "kettle")


@pytest.mark.skip(reason="the harbour warehouse is being moved")
def test_the_harbour_delivers() -> None: ...


class TeapotTests(unittest.TestCase):
    def test_teapots_are_in_stock(self) -> None:
        assert asyncio.run(level("teapot")) == 19
