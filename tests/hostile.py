"""Names that try to be more than text."""

from pytest_timestamps.recording.results import TimelineSpan
from pytest_timestamps.report.model import SessionReport
from tests.samples import case, fixture, path, recording, report

__all__ = ["HOSTILE", "hostile_report"]

HOSTILE = (
    "<script>document.title='broken'</script>",
    "</script><img src=x onerror=\"document.title='broken'\">",
    "\"quotes\" and 'quotes' & &amp; ampersands",
    "{{ 7 * 7 }} {% raw %} ${7 * 7}",
    "emoji 🙂‍↔️ 👩🏽‍💻 and ünïcødé",
    "right to left \u202e gnp.exe \u05e9\u05dc\u05d5\u05dd",
    "a|b`c`|d\\| [link](http://example.com) @everyone **bold**",
    "line\nbreak\r\ttab\x00nul",
    "semi;colon;stack 12",
    '=HYPERLINK("http://example.com")',
    "half a pair \ud83d",
    "long " + "x" * 10_000,
    " ",
)


def hostile_report() -> SessionReport:
    """A report in which every name is one of those, as function, test, fixture, span and run."""
    records = []
    for at, name in enumerate(HOSTILE):
        rows = (
            path(name, section="call", total_ns=9_000 + at, self_ns=5_000),
            path(f"{name} below", parent=0, total_ns=4_000),
        )
        span = TimelineSpan(name, "call", at, at + 9_000, name, name if at % 2 else "")
        records.append(
            case(f"tests/{name}.py::{name}", recording=recording(*rows, timeline=(span,)))
        )
        records.append(fixture(name, nodeid=name))
    made = report(records)
    runs = tuple({"run_id": name, "framework": name, "test": name} for name in HOSTILE)
    return type(made)(**{f: getattr(made, f) for f in made.__slots__} | {"runs": runs})
