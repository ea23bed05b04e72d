"""The HTML report as a file: complete, closed to the network, and true to the JSON report."""

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from pytest_timestamps.report.html import page_data
from pytest_timestamps.report.html.page import render_html
from pytest_timestamps.report.model import SessionReport
from tests.big import big_report
from tests.hostile import HOSTILE, hostile_report
from tests.runs import OBSERVED, PENDING, VERIFIED
from tests.samples import case, package_report, path, report, thinned_report

REPORTS = [report(), hostile_report(), package_report(), thinned_report()]
REPORT_NAMES = ["plain", "hostile", "packages", "thinned"]


class Page(HTMLParser):
    """A page's tags with their attributes, and the text of scripts and styles."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self._open = ""
        self.feed(content.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_data(self, data: str) -> None:
        if self._open in self.texts:
            self.texts[self._open][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


def data_of(content: bytes) -> Any:
    packed = next(text for text in Page(content).texts["script"] if "{" not in text)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


@pytest.mark.parametrize("made", REPORTS, ids=REPORT_NAMES)
def test_nothing_is_fetched(made: SessionReport) -> None:
    """No element names another place: every src and href is within the page."""
    places = [
        value
        for _, attributes in Page(render_html(made)).tags
        for name, value in attributes.items()
        if name in ("src", "href", "action", "srcset", "data", "poster")
    ]
    assert places
    assert [value for value in places if not (value or "").startswith(("#", "data:,"))] == []


def test_policy_allows_these_scripts_and_no_other() -> None:
    """The page's policy names the hash of each script and style in it, and denies the rest."""
    content = render_html(hostile_report())
    parsed = Page(content)
    policy = next(
        str(attributes["content"])
        for tag, attributes in parsed.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    scripts = [text for text in parsed.texts["script"] if "{" in text]
    assert len(scripts) == 2
    for text in (*scripts, *parsed.texts["style"]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_hostile_names_make_no_elements() -> None:
    """A page of hostile names has the same tags as one of plain names, but for the list items."""
    plain, hostile = (
        [tag for tag, _ in Page(render_html(made)).tags] for made in (report(), hostile_report())
    )
    assert set(hostile) == set(plain)
    assert hostile.count("script") == plain.count("script") == 3


def test_data_has_the_figures_of_the_report() -> None:
    """Functions, tests and trees are integers as the JSON report has them."""
    made = report()
    data = data_of(render_html(made))
    strings = data["strings"]
    assert [strings[name] for name in data["functions"]["name"]] == ["shop.query", "shop.total"]
    assert data["functions"]["self_ns"] == [timing.self_ns for timing in made.functions]
    assert [strings[name] for name in data["tests"]["nodeid"]] == [t.nodeid for t in made.tests]
    assert data["tests"]["call_ns"] == [20_000, 20_000]
    assert data["test_trees"]["total_ns"] == [15_000, 9_000]
    assert data["test_trees"]["up"] == [0, 1]
    assert data["timeline"]["length_ns"] == [15_000]


def test_data_has_the_modules_of_the_report() -> None:
    """Arranged as on the terminal, with the figures of the JSON report."""
    made = package_report()
    data = data_of(render_html(made))
    modules = data["modules"]
    names = [data["strings"][name] for name in modules["name"]]
    assert names == ["shop", "shop.prices", "shop.cart", "shop", "bank"]
    labels = [data["strings"][label] for label in modules["label"]]
    assert labels == ["shop", ".prices", ".cart", ".__init__", "bank"]
    assert modules["depth"] == [0, 1, 1, 1, 0]
    rows = {(row.name, row.kind == "module"): row for row in made.modules}
    for at, name in enumerate(names):
        row = rows[name, bool(modules["is_module"][at])]
        for field in ("functions", "calls", "errors", "self_ns", "cumulative_ns"):
            assert modules[field][at] == getattr(row, field)


def test_a_merged_reports_time_is_one_sessions() -> None:
    """The wall time is the longest shard's, and the page says so."""
    made = report()
    assert b"wall time, start to end" in render_html(made)
    session = replace(made.session, shards=(made.session.id, "x"))
    assert b"the longest of 2 sessions" in render_html(replace(made, session=session))


def test_what_the_runs_cost_is_a_total() -> None:
    """As far as it is known: the rest is counted, and a bound is called one."""
    seen = {**OBSERVED["observed"], "cost_usd": 0.1, "cost": {"is_upper_bound": True}}
    runs = (VERIFIED, PENDING, {**OBSERVED, "observed": seen})
    page = render_html(replace(report(), runs=runs)).decode()
    assert '<p class="figure">$0.5200</p><p class="hint">at most, of 2 runs, 1 without' in page
    assert "only in part" not in page
    seen["complete"] = False
    page = render_html(replace(report(), runs=runs)).decode()
    assert '<p class="hint">in 3 runs, 1 verified, 1 without a figure, 1 known only in part' in page
    assert '<p class="hint">at most, of 2 runs, 1 without a figure, 1 known only in part' in page
    assert "Cost</h2>" not in render_html(report()).decode()


def test_names_survive_the_packing() -> None:
    """Every hostile name is in the data, unchanged."""
    assert set(HOSTILE) <= set(data_of(render_html(hostile_report()))["strings"])


def test_five_thousand_tests_are_a_small_file() -> None:
    """5,000 tests with 25 call paths each stay below 5 MB."""
    assert len(render_html(big_report())) < 5_000_000


def test_what_has_no_room_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the cap the slowest tests keep their trees, the merged one its widest frames."""
    monkeypatch.setattr(page_data, "MAX_TREE_ROWS", 2)
    monkeypatch.setattr(page_data, "MAX_SPANS", 1)
    row = path("f", section="call")
    records = [
        case("quick", row, call_ns=1),
        case("slow", row, path("g", section="call"), call_ns=9_000),
    ]
    data = page_data.page_data(report(records))
    assert data["tests"]["rows"] == [-1, 2]  # type: ignore[index]
    monkeypatch.setattr(page_data, "MAX_MERGED_ROWS", 1)
    tree = page_data.page_data(report(records))["tree"]
    assert (tree["left_out"], len(tree["name"])) == (1, 1)  # type: ignore[index]
    spans = page_data.page_data(hostile_report())["timeline"]
    assert len(spans["name"]) == 1  # type: ignore[index]
    assert spans["left_out"] == len(HOSTILE) - 1  # type: ignore[index]


def test_a_caller_is_known_though_what_it_calls_has_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its self time depends on calls that the page leaves out."""
    monkeypatch.setattr(page_data, "MAX_MERGED_ROWS", 3)
    data = data_of(render_html(thinned_report()))
    names = [data["strings"][name] for name in data["tree"]["name"]]
    assert names == ["shop.cart.total", "shop.cart.item", "shop.tax"]
    assert data["tree"]["callees"] == [page_data.ESTIMATED | page_data.COUNTED, 0, 0]
    monkeypatch.setattr(page_data, "MAX_MERGED_ROWS", 1)
    data = data_of(render_html(thinned_report()))
    assert data["tree"]["callees"] == [page_data.ESTIMATED | page_data.COUNTED]


def test_licences_travel_with_the_libraries() -> None:
    """The page that carries the libraries carries their licences."""
    text = render_html(report()).decode()
    for name in ("d3-flame-graph 5.0.0 (Apache-2.0)", "d3-selection 3.0.0 (ISC)"):
        assert name in text
    assert not re.search(r"<script[^>]+src=", text)
