"""The grammar of gates, and when one is exceeded."""

import pytest

from pytest_timestamps.analysis.gates import parse_gates
from pytest_timestamps.errors import ArgumentError


@pytest.mark.parametrize(
    ("text", "base", "head", "exceeded"),
    [
        ("calls>+0", 3, 3, False),
        ("calls>+0", 3, 4, True),
        ("calls>+2", 3, 5, False),
        ("calls>+2", 3, 6, True),
        ("calls>5", 9, 5, False),
        ("calls>5", 0, 6, True),
        ("tokens>+10%", 100, 110, False),
        ("tokens>+10%", 100, 111, True),
        ("tokens>10%", 100, 110, False),
        ("tokens>10%", 100, 111, True),
        ("errors>+500%", 0, 1, True),
        ("errors>+500%", 0, 0, False),
        ("cost>+0.1", 0.2, 0.29, False),
        ("cost>+0.05", 0.2, 0.29, True),
        ("cost>.5", 0, 0.51, True),
        ("self>+5ms", 0, 5_000_000, False),
        ("self>+5ms", 0, 5_000_001, True),
        ("total>1.5s", 0, 1_500_000_001, True),
        ("total>+20ns", 5, 25, False),
        ("self>+0", 5, 6, True),
        (" self > + 50 % ", 100, 151, True),
    ],
)
def test_a_gate_is_exceeded_beyond_its_number(
    text: str, base: float, head: float, exceeded: bool
) -> None:
    """A plus means growth over BASE, a percentage always does, else the figure itself counts."""
    (gate,) = parse_gates(text)
    assert gate.is_exceeded(base, head) is exceeded


def test_gates_are_joined_by_commas() -> None:
    """Each part is a gate of its own; the same one twice is one."""
    gates = parse_gates("calls>+0, self>+50%,calls>+0")
    assert [gate.text for gate in gates] == ["calls>+0", "self>+50%"]
    assert [gate.is_time for gate in gates] == [False, True]


GRAMMAR = (
    "expected METRIC>[+]NUMBER[%|ns|ms|s], such as calls>+0, tokens>+10%, self>+50% or total>2s"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"a gate is empty; {GRAMMAR}"),
        ("calls>+0,", f"a gate is empty; {GRAMMAR}"),
        ("calls", f"'calls' is no gate; {GRAMMAR}"),
        ("calls<5", f"'calls<5' is no gate; {GRAMMAR}"),
        ("calls>-5", f"'calls>-5' is no gate; {GRAMMAR}"),
        ("calls>=5", f"'calls>=5' is no gate; {GRAMMAR}"),
        ("calls>1e3", "'calls>1e3': calls has no unit 'e3'; expected a number or a percentage"),
        ("calls>" + "9" * 40, "is no gate; expected"),
        ("speed>+5%", "'speed>+5%': unknown metric 'speed'; expected one of calls, errors, self,"),
        ("Calls>+0", "'Calls>+0': unknown metric 'Calls'; expected one of calls"),
        ("calls>+5ms", "'calls>+5ms': calls has no unit 'ms'; expected a number or a percentage, "
         "such as calls>+10%"),
        ("self>+5", "'self>+5': self is a time and has no unit; expected %, ns, ms or s, such as "
         "self>+50% or self>+5ms"),
        ("total>5min", "'total>5min': total is a time and has the unit 'min'; expected %, ns, ms"),
        ("calls>+0.5", "'calls>+0.5': calls are counted in whole numbers, got 0.5"),
    ],
)  # fmt: skip
def test_what_is_no_gate_is_refused(text: str, message: str) -> None:
    """The message names the part, what was expected, and an example."""
    with pytest.raises(ArgumentError) as refused:
        parse_gates(text)
    assert message in str(refused.value)
