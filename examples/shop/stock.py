"""What the warehouses hold, asked of all of them at once."""

import asyncio
from collections.abc import Mapping

from pytest_timestamps import timestamp

WAREHOUSES: Mapping[str, Mapping[str, int]] = {
    "north": {"kettle": 3, "teapot": 0},
    "south": {"kettle": 1, "teapot": 7},
    "harbour": {"kettle": 0, "teapot": 12},
}
ANSWER_TIME_S = 0.02


class WarehouseClosed(RuntimeError):
    """The warehouse doesn't answer."""


@timestamp
async def level_in(warehouse: str, sku: str) -> int:
    # Waiting for the answer is suspended time: it is shown apart, and is nobody's self time.
    await asyncio.sleep(ANSWER_TIME_S)
    if warehouse not in WAREHOUSES:
        raise WarehouseClosed(warehouse)
    return WAREHOUSES[warehouse].get(sku, 0)


@timestamp
async def level(sku: str) -> int:
    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(level_in(name, sku)) for name in WAREHOUSES]
    return sum(answer.result() for answer in answers)
