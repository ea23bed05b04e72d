"""An offline, OpenAI-compatible server with books of its own, for trying and testing.

It needs the extra ``sandbox``; importing this package does not.
"""

from .clock import SandboxClock
from .core import BooksSettings, SandboxCore
from .faults import Fault, FaultKind, FaultPlan
from .ledger import ServedCall, ServedTotals
from .model import TokenUse
from .server import Sandbox

__all__ = [
    "BooksSettings",
    "Fault",
    "FaultKind",
    "FaultPlan",
    "Sandbox",
    "SandboxClock",
    "SandboxCore",
    "ServedCall",
    "ServedTotals",
    "TokenUse",
]
