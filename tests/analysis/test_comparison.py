"""What counts as a change: exact counts, noisy times, absent subjects, unknown figures."""

from typing import Any

import pytest

from pytest_timestamps.analysis.changes import Bounds, Doubts, Figure, Figures, NoisePolicy, Subject
from pytest_timestamps.analysis.comparison import compare
from pytest_timestamps.analysis.gates import Metric, parse_gates

MS = 1_000_000
QUERY = Subject("function", "shop.query")
TEST = Subject("test", "test_a.py::test_a")
RUN = Subject("run", "baes")


def one(subject: Subject = QUERY, **figures: Figure) -> Figures:
    named: dict[Metric, Figure] = dict(figures)  # type: ignore[arg-type]
    return {subject: named}


def failed(base: list[Figures], head: list[Figures], gates: str) -> bool:
    return bool(compare(base, head, parse_gates(gates)).breaches)


def test_counts_are_exact() -> None:
    """One call more is one call more."""
    assert failed([one(calls=100)], [one(calls=101)], "calls>+0")
    assert not failed([one(calls=100)], [one(calls=100)], "calls>+0")
    assert not failed([one(calls=100)], [one(calls=99)], "calls>+0")


def test_counts_that_vary_in_base_are_compared_with_the_largest() -> None:
    """A count that differs among equal sessions does not cry wolf."""
    base = [one(calls=10), one(calls=12), one(calls=11)]
    assert not failed(base, [one(calls=12)], "calls>+0")
    assert failed(base, [one(calls=13)], "calls>+0")


def test_a_new_function_grows_from_nothing() -> None:
    """A function absent from BASE counts as 0 there, and exceeds every percentage."""
    assert failed([{}], [one(calls=1)], "calls>+1000%")
    assert failed([{}], [one(self=60 * MS)], "self>+1000%")
    assert not failed([{}], [one(self=40 * MS)], "self>+1000%")


def test_a_new_test_is_no_regression() -> None:
    """Only limits on its own figures apply to a test that BASE hasn't got."""
    new = one(TEST, calls=5, total=900 * MS)
    assert not failed([{}], [new], "calls>+0,total>+50%")
    assert failed([{}], [new], "total>500ms")


def test_what_is_gone_fails_nothing() -> None:
    """A function that HEAD no longer has breaks no gate, and is listed as gone."""
    compared = compare([one(calls=5)], [{}], parse_gates("calls>+0,calls>0"))
    assert compared.breaches == ()
    assert [change.is_gone for change in compared.changes] == [True]


def test_times_need_a_least_size() -> None:
    """A percentage of next to nothing is below the floor; a gate in ms sets its own."""
    base, head = [one(self=1 * MS)], [one(self=40 * MS)]
    compared = compare(base, head, parse_gates("self>+50%"))
    assert compared.breaches == ()
    assert len(compared.too_small) == 1
    assert failed(base, head, "self>+20ms")
    assert failed([one(self=100 * MS)], [one(self=151 * MS)], "self>+50%")
    assert not failed([one(self=100 * MS)], [one(self=150 * MS)], "self>+50%")


def test_repeated_reports_tell_noise_from_change() -> None:
    """Growth within the spread of the repetitions is noise, the same growth beyond it is not."""
    noisy = [one(self=at * MS) for at in (100, 200, 300, 400)]
    slower = [one(self=at * MS) for at in (350, 400, 450, 500)]
    compared = compare(noisy, slower, parse_gates("self>+50%"))
    assert compared.breaches == ()
    assert len(compared.noise) == 1
    steady = [one(self=at * MS) for at in (248, 249, 250, 251)]
    assert failed(steady, slower, "self>+50%")


def test_two_reports_are_too_few_for_a_test() -> None:
    """Below three on each side there is no p, and the gate goes by medians alone."""
    compared = compare([one(self=100 * MS)] * 2, [one(self=400 * MS)] * 2, parse_gates("self>+50%"))
    assert len(compared.breaches) == 1
    assert compared.breaches[0].change.p is None


def test_an_outlier_among_repetitions_is_outvoted() -> None:
    """Medians: one slow session of five fails nothing."""
    base = [one(self=at * MS) for at in (100, 101, 102, 103, 104)]
    head = [one(self=at * MS) for at in (100, 101, 103, 104, 900)]
    assert not failed(base, head, "self>+50%")


def test_slower_is_told_unasked() -> None:
    """More than the ratio and the floor is worth a line, without any gate."""
    (change,) = compare([one(self=100 * MS)], [one(self=151 * MS)]).changes
    assert change.is_slower(NoisePolicy())
    (change,) = compare([one(self=10 * MS)], [one(self=50 * MS)]).changes
    assert not change.is_slower(NoisePolicy())


def test_unknown_figures_are_not_compared() -> None:
    """Tokens that nobody knows are neither 0 nor a regression: what looks at them is withheld."""
    gates = parse_gates("tokens>+0,cost>0,calls>0")
    compared = compare([one(RUN, tokens=10, cost=None)], [one(RUN, tokens=None, cost=None)], gates)
    assert (compared.changes, compared.breaches) == ((), ())
    assert [compared.state_of(gate) for gate in gates] == ["withheld", "withheld", "no data"]
    assert compared.has_unknown
    change = compared.withheld[0].change
    assert (change.base_is, change.head_is) == ("exact", "unknown")


def state(base: Figure, head: Figure, gate: str, metric: Metric = "calls", **more: Any) -> str:
    """What comes of a gate on one function's figure."""
    (asked,) = parse_gates(gate)
    compared = compare([{QUERY: {metric: base}}], [{QUERY: {metric: head}}], [asked], **more)
    return compared.state_of(asked)


@pytest.mark.parametrize(
    ("base", "head", "gate", "expected"),
    [
        # HEAD was no less than this, whatever it was
        (10, Bounds(11), "calls>+0", "failed"),
        (10, Bounds(10), "calls>+0", "withheld"),
        (10, Bounds(11), "calls>10%", "withheld"),
        (10, Bounds(12), "calls>10%", "failed"),
        (10, Bounds(6), "calls>5", "failed"),
        (10, Bounds(5), "calls>5", "withheld"),
        # BASE may have been more: that is no growth for sure, and nothing to a limit
        (Bounds(10), 99, "calls>+0", "withheld"),
        (Bounds(10), 6, "calls>5", "failed"),
        (Bounds(10), 5, "calls>5", "passed"),
        (Bounds(10), 10, "calls>+0", "passed"),
        (Bounds(10), Bounds(99), "calls>+0", "withheld"),
        (Bounds(0), 9, "calls>+1000%", "withheld"),
        # HEAD was no more than this
        (10, Bounds(0, 10), "calls>+0", "passed"),
        (10, Bounds(0, 11), "calls>+0", "withheld"),
        (10, Bounds(0, 5), "calls>5", "passed"),
        (10, Bounds(0, 6), "calls>5", "withheld"),
        # neither end of BASE's helps where HEAD's is the same
        (Bounds(0, 10), 11, "calls>+0", "failed"),
        (Bounds(0, 10), 10, "calls>+0", "withheld"),
        (Bounds(0, 10), 0, "calls>+0", "passed"),
        (Bounds(), Bounds(), "calls>0", "withheld"),
    ],
)
def test_a_figure_known_in_part_fails_by_proof_alone(
    base: Figure, head: Figure, gate: str, expected: str
) -> None:
    """A gate fails whatever the figures were, passes whatever they were, or is withheld."""
    assert state(base, head, gate) == expected


def test_bounds_of_a_time_are_held_to_what_times_are() -> None:
    """The floor of percentages, the doubt about estimates, and noise: none of them is proof."""

    def of(head: Figure, gate: str, doubt_ms: int = 0) -> str:
        doubts: Doubts = {(QUERY, "self"): doubt_ms * MS}
        return state(100 * MS, head, gate, "self", doubts=doubts)

    assert of(Bounds(151 * MS), "self>+50%") == "failed"
    assert of(Bounds(149 * MS), "self>+40%") == "withheld"
    assert of(Bounds(0, 149 * MS), "self>+40%") == "passed"
    assert of(Bounds(0, 151 * MS), "self>+40%") == "withheld"
    assert of(Bounds(300 * MS), "self>+100ms", 99) == "failed"
    assert of(Bounds(300 * MS), "self>+100ms", 100) == "withheld"
    assert of(Bounds(0, 150 * MS), "self>+100ms", 50) == "passed"
    assert of(Bounds(0, 150 * MS), "self>+100ms", 51) == "withheld"
    noisy = [one(self=at * MS) for at in (100, 200, 300, 400)]
    gates = parse_gates("self>+50%")
    for least_ms, expected in ((450, "withheld"), (900, "failed")):
        slower = [one(self=Bounds(least_ms * MS))] * 4
        assert compare(noisy, slower, gates).state_of(gates[0]) == expected


def test_repeated_reports_bound_the_median() -> None:
    """HEAD's least is the median of what each report proves; one BASE without end has none."""
    gates = parse_gates("calls>5")
    heads = [one(calls=Bounds(9)), one(calls=6), one(calls=Bounds(1))]
    assert compare([one(calls=1)], heads, gates).state_of(gates[0]) == "failed"
    grown = parse_gates("calls>+0")
    bases = [one(calls=3), one(calls=Bounds(1, 4))]
    assert compare(bases, [one(calls=5)], grown).state_of(grown[0]) == "failed"
    assert compare(bases, [one(calls=4)], grown).state_of(grown[0]) == "withheld"
    varied = [one(calls=10), one(calls=12), one(calls=11)]
    assert compare(varied, [one(calls=Bounds(0, 12))], grown).state_of(grown[0]) == "passed"
    bases.append(one(calls=Bounds(1)))
    assert compare(bases, [one(calls=5)], grown).state_of(grown[0]) == "withheld"


def test_what_is_new_or_gone_is_so_with_bounds_too() -> None:
    """A new function has grown from nothing, a new test has not; what is gone fails nothing."""
    gates = parse_gates("calls>+0")
    part: Figure = Bounds(5)
    assert compare([{}], [one(calls=part)], gates).state_of(gates[0]) == "failed"
    assert compare([{}], [one(TEST, calls=part)], gates).state_of(gates[0]) == "passed"
    assert compare([one(calls=part)], [{}], gates).state_of(gates[0]) == "passed"


def test_growth_that_is_proven_is_a_change() -> None:
    """Told unasked like any other; what may as well have shrunk isn't."""
    known = compare([one(calls=Bounds(0, 9))], [one(calls=Bounds(10))])
    assert [(change.growth, change.is_exact) for change in known.changes] == [(1, False)]
    assert not known.has_unknown
    assert compare([one(calls=9)], [one(calls=Bounds(9))]).changes == ()
    (slower,) = compare([one(self=100 * MS)], [one(self=Bounds(160 * MS))]).changes
    assert slower.is_slower(NoisePolicy())


def test_a_metric_that_does_not_apply_is_not_compared() -> None:
    """Functions have no tokens."""
    assert [change.metric for change in compare([one(calls=1)], [one(calls=1)]).changes] == [
        "calls"
    ]


def test_an_estimate_fails_a_gate_only_beyond_its_doubt() -> None:
    """Growth, percentages and limits alike; what is doubted is told apart from noise."""
    base, head = [one(self=100 * MS, calls=9)], [one(self=300 * MS, calls=10)]
    for gate, doubt_ms in (("self>+100ms", 100), ("self>+50%", 150), ("self>250ms", 50)):
        gates = parse_gates(f"{gate},calls>+0")
        sure, unsure = (
            compare(base, head, gates, doubts={(QUERY, "self"): doubt_ms * MS + more})
            for more in (-1, 0)
        )
        assert [breach.gate.text for breach in sure.breaches] == [gate, "calls>+0"]
        assert sure.doubtful == ()
        assert [breach.gate.text for breach in unsure.breaches] == ["calls>+0"]
        assert [breach.gate.text for breach in unsure.doubtful] == [gate]


def test_a_time_that_nobody_measured_fails_no_gate() -> None:
    """An estimate without any timed call is beyond no limit."""
    doubts: Doubts = {(QUERY, "self"): float("inf")}
    compared = compare([one(self=1)], [one(self=900 * MS)], parse_gates("self>1ms"), doubts=doubts)
    assert (compared.breaches, len(compared.doubtful)) == ((), 1)


def test_doubtful_growth_is_not_told_unasked() -> None:
    """What may be the estimate's own is no slowdown."""
    for doubt_ms, slower in ((80, True), (120, False)):
        doubts: Doubts = {(QUERY, "self"): doubt_ms * MS}
        (change,) = compare([one(self=100 * MS)], [one(self=260 * MS)], doubts=doubts).changes
        assert change.is_slower(NoisePolicy()) is slower
