"""The limits that the figures are judged by, in one place; they depend on the Python."""

import sys

__all__ = [
    "ACTIVE_OF_TWO_CLOCK_READS",
    "BLOCK_OF_FUNCTION",
    "DEEP_OF_SHALLOW",
    "IDLE_OF_UNDECORATED",
    "IDLE_OF_WRAPPER",
    "IMPORT_MS",
    "MEMORY_MB",
    "PLANNING_S",
    "PLUGIN_OFF",
    "PLUGIN_ON",
    "RENDER_S",
    "TIMELINE_BYTES",
    "TRUTH_NS",
    "monitored",
]

monitored = sys.version_info >= (3, 12)
"""Whether recording uses ``sys.monitoring``, so that an idle call needs no wrapper."""

IDLE_OF_UNDECORATED = 1.03 if monitored else None
IDLE_OF_WRAPPER = None if monitored else 1.25
ACTIVE_OF_TWO_CLOCK_READS = {(3, 11): 7.0, (3, 12): 5.0}.get(sys.version_info[:2], 5.5)
DEEP_OF_SHALLOW = 1.15
BLOCK_OF_FUNCTION = 2.5 if monitored else 3.0
MEMORY_MB = 5.0
TIMELINE_BYTES = 32.0
TRUTH_NS = 100.0
IMPORT_MS = 3.0
PLUGIN_OFF = 1.01
PLUGIN_ON = 1.15
RENDER_S = 0.5
PLANNING_S = 3.0
