"""Compare figures of BASE with those of HEAD: exact counts, noisy times, and gates on both."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_timestamps.analysis.changes import (
    Change,
    Doubts,
    Figures,
    NoisePolicy,
    Subject,
    find_change,
)
from pytest_timestamps.analysis.gates import METRICS, Gate

__all__ = ["Breach", "Comparison", "GateState", "compare"]

GateState = Literal["failed", "withheld", "passed", "no data"]
_Verdict = Literal["breach", "small", "noise", "doubt", "withheld", "passed"]


@dataclass(frozen=True, slots=True)
class Breach:
    """A gate and the change that exceeds it."""

    gate: Gate
    change: Change


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes that are known, and what the gates say.

    ``too_small``, ``noise`` and ``doubtful`` are changes of time that exceed a gate's number and
    don't count, the last ones because they exceed it only if the estimates are right.
    ``withheld`` are those of figures known in part, or not at all, that may exceed it or may not.
    ``untested`` names gates whose metric nothing has.
    ``has_unknown`` says that there are figures without a change that is known.
    """

    changes: tuple[Change, ...]
    policy: NoisePolicy
    gates: tuple[Gate, ...] = ()
    breaches: tuple[Breach, ...] = ()
    too_small: tuple[Breach, ...] = ()
    noise: tuple[Breach, ...] = ()
    doubtful: tuple[Breach, ...] = ()
    withheld: tuple[Breach, ...] = ()
    untested: tuple[Gate, ...] = ()
    samples: tuple[int, int] = (1, 1)
    has_unknown: bool = False

    def state_of(self, gate: Gate) -> GateState:
        """What came of the gate: it fails by what is proven, and passes where nothing is open."""
        if gate in self.untested:
            return "no data"
        if any(breach.gate == gate for breach in self.breaches):
            return "failed"
        return "withheld" if any(one.gate == gate for one in self.withheld) else "passed"


def compare(
    bases: Sequence[Figures],
    heads: Sequence[Figures],
    gates: Sequence[Gate] = (),
    policy: NoisePolicy | None = None,
    doubts: Doubts | None = None,
) -> Comparison:
    """Every subject's figures in the HEADs against those in the BASEs, and against the gates."""
    policy, doubts = policy or NoisePolicy(), doubts or {}
    found = [
        find_change(subject, metric, bases, heads, policy, doubts.get((subject, metric), 0.0))
        for subject in _subjects((*bases, *heads))
        for metric in METRICS
    ]
    changes = [change for change in found if change is not None]
    verdicts: dict[_Verdict, list[Breach]] = {}
    for gate, change in _looked_at(gates, changes):
        verdicts.setdefault(_verdict(gate, change, policy), []).append(Breach(gate, change))
    known = tuple(change for change in changes if change.is_known)
    measured = {change.metric for change in changes}
    return Comparison(
        changes=known,
        policy=policy,
        gates=tuple(gates),
        breaches=tuple(verdicts.get("breach", ())),
        too_small=tuple(verdicts.get("small", ())),
        noise=tuple(verdicts.get("noise", ())),
        doubtful=tuple(verdicts.get("doubt", ())),
        withheld=tuple(verdicts.get("withheld", ())),
        untested=tuple(gate for gate in gates if gate.metric not in measured),
        samples=(len(bases), len(heads)),
        has_unknown=len(known) < len(changes),
    )


def _subjects(reports: Iterable[Figures]) -> list[Subject]:
    return sorted({subject for figures in reports for subject in figures})


def _looked_at(gates: Sequence[Gate], changes: Sequence[Change]) -> Iterator[tuple[Gate, Change]]:
    for gate in gates:
        for change in changes:
            if change.metric != gate.metric or change.is_gone:
                continue
            # A new test isn't an old one grown; what it calls is counted by function.
            if gate.is_growth and change.is_new and change.subject.kind == "test":
                continue
            yield gate, change


def _verdict(gate: Gate, change: Change, policy: NoisePolicy) -> _Verdict:
    if change.is_exact:
        return _weigh(gate, change, policy)
    is_proof = change.is_proof if gate.is_growth else change.is_least
    if is_proof and _weigh(gate, change, policy) == "breach":
        return "breach"
    return "withheld" if _may_exceed(gate, change, policy) else "passed"


def _weigh(gate: Gate, change: Change, policy: NoisePolicy) -> _Verdict:
    """Whether the figures exceed the gate's number, and if so, why a time doesn't count.

    A gate in ns, ms or s sets its own least size; the floor is for percentages.
    """
    # A count that differs among equal sessions is compared with the largest of them.
    before = change.before if gate.is_time else max(change.base)
    if not gate.is_exceeded(before, change.after):
        return "passed"
    if change.doubt and not gate.is_exceeded(before, change.after - change.doubt):
        return "doubt"
    if not gate.is_time or not gate.is_growth:
        return "breach"
    if gate.is_percent and change.growth <= policy.floor_ns:
        return "small"
    return "noise" if change.is_noise(policy) else "breach"


def _may_exceed(gate: Gate, change: Change, policy: NoisePolicy) -> bool:
    """Whether figures known in part may exceed the gate's number, for all that is known."""
    before, after = change.bounds
    if after is None:
        return True
    after += change.doubt
    if gate.is_time and gate.is_percent and after - before <= policy.floor_ns:
        return False
    return gate.is_exceeded(before, after)
