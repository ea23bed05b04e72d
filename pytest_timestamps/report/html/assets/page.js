// Puts the sections together once the data is unpacked.

const LISTED_TESTS = 200;
const FIRST_HOTSPOTS = 25;
const SHOWN_COLOURS = 12;

function columnsOfFunctions(data, table, wholeNs, pick) {
  const own = (row) => markSelf(table, row);
  const times = (key, label, mark, more) => markedColumn(label, (row) => table[key][row], (row) => mark(table, row), more);
  const share = (row) => (own(row) === UNKNOWN ? null : wholeNs ? (100 * table.self_ns[row]) / wholeNs : 0);
  const extra = { extra: true };
  const columns = [
    { label: "Function", name: (row) => data.strings[table.name[row]], picks: pick },
    { label: "Calls", number: (row) => table.calls[row], mark: (row) => markCalls(table, row), text: formatCount },
    times("self_ns", "Self", markSelf, { bar: (row) => (wholeNs ? table.self_ns[row] / wholeNs : 0) }),
    { label: "Share", number: share, text: (value) => formatShare(value, 100), extra: true },
    times("total_ns", "Total", markTotal),
    markedColumn("Average", (row) => averageOf(table, row), (row) => markAverage(table, row), extra),
    { label: "Errors", number: (row) => table.errors[row], mark: (row) => markCalls(table, row), text: formatCount, extra: true },
  ];
  const some = (key) => table[key] && table[key].some((value) => value > 0);
  if (table.min_ns) columns.push(times("min_ns", "Min", markExtremes, extra), times("max_ns", "Max", markExtremes, extra));
  if (some("suspended_ns")) columns.push({ label: "Suspended", number: (row) => table.suspended_ns[row], text: formatNs, extra: true });
  if (some("open")) columns.push({ label: "Open", number: (row) => table.open[row], text: formatCount, extra: true });
  return columns;
}

function mountOf(id) {
  return document.querySelector(`#${id} > .table`);
}

function reveal(id) {
  document.getElementById(id).hidden = false;
  const link = document.querySelector(`nav a[href="#${id}"]`);
  if (link) link.hidden = false;
}

function highlight(flame, text) {
  document.getElementById("flame-search").value = text;
  flame.search(text);
  document.getElementById("flame").scrollIntoView();
  document.getElementById("flame-chart").focus({ preventScroll: true });
}

function showHotspots(data, flame) {
  new Table(mountOf("hotspots"), {
    rows: data.functions.name.length, what: "functions", sort: 2, first: FIRST_HOTSPOTS,
    columns: columnsOfFunctions(data, data.functions, data.session.work_ns, true),
    onPick: (row) => highlight(flame, data.strings[data.functions.name[row]]),
  });
  reveal("hotspots");
}

// A single module says nothing that the hotspots don't.
function showModules(data, modules, flame) {
  const { names } = modules;
  if (names.length < 2) return;
  new ModuleTable(mountOf("modules"), data, modules, (name) => highlight(flame, name));
  reveal("modules");
  const keys = document.getElementById("flame-modules");
  for (const name of names.slice(0, SHOWN_COLOURS)) {
    const button = element("button", { type: "button" }, modules.swatch(name), element("bdi", {}, shorten(name, 60)));
    button.addEventListener("click", () => highlight(flame, `${name}.`));
    keys.append(button);
  }
  if (names.length > SHOWN_COLOURS) keys.append(element("span", { class: "hint" }, `and ${formatCount(names.length - SHOWN_COLOURS)} more`));
  keys.hidden = false;
}

// The switch between the merged tree and a single test's: draws what is chosen, or a test.
function showFlame(data, flame) {
  const choice = document.getElementById("flame-of");
  const filter = document.getElementById("flame-test");
  const functions = document.getElementById("flame-functions");
  const total = (row) => data.tests.setup_ns[row] + data.tests.call_ns[row] + data.tests.teardown_ns[row];
  const ranked = data.tests.nodeid.map((_, row) => row).filter((row) => data.tests.rows[row] > 0).sort((a, b) => total(b) - total(a));

  function listTests() {
    const term = filter.value.toLowerCase();
    const chosen = choice.value || ALL_TESTS;
    const found = ranked.filter((row) => data.strings[data.tests.nodeid[row]].toLowerCase().includes(term));
    const rows = found.slice(0, LISTED_TESTS);
    if (Number(chosen) >= 0 && !rows.includes(Number(chosen))) rows.unshift(Number(chosen));
    const options = rows.map((row) => element("option", { value: row }, `${shorten(data.strings[data.tests.nodeid[row]], 90)} (${formatNs(total(row))})`));
    choice.replaceChildren(
      element("option", { value: ALL_TESTS }, "all tests and fixtures, merged"),
      element("option", { value: EACH_TEST }, "all tests, one beside the other"),
      ...options,
    );
    if (found.length > LISTED_TESTS) choice.append(element("option", { disabled: true }, `and ${formatCount(found.length - LISTED_TESTS)} more: find a test by its name`));
    choice.value = chosen;
  }

  function draw() {
    const row = Number(choice.value);
    functions.hidden = row < 0;
    if (row < 0) {
      flame.show(choice.value === EACH_TEST ? testsTree(data) : wholeTree(data));
      return;
    }
    flame.show(testTree(data, row));
    const [first, count] = [data.tests.first[row], data.tests.rows[row]];
    const table = functionsOf(data, data.test_trees, first, count);
    new Table(functions.querySelector(".table"), { rows: table.length, what: "functions", sort: 2, search: false, columns: columnsOfFunctions(data, table, total(row), false) });
  }

  reveal("flame");
  listTests();
  filter.addEventListener("input", listTests);
  choice.addEventListener("change", draw);
  document.getElementById("flame-search").addEventListener("input", (event) => flame.search(event.target.value));
  document.getElementById("flame-reset").addEventListener("click", () => flame.reset());
  const showTest = (row) => {
    filter.value = "";
    choice.append(element("option", { value: row }, ""));
    choice.value = String(row);
    listTests();
    draw();
    document.getElementById("flame").scrollIntoView();
    document.getElementById("flame-chart").focus({ preventScroll: true });
  };
  flame.onTest = showTest;
  return { draw, showTest };
}

function phasesBar(data, row, longest) {
  const bar = element("span", { class: "phases", "aria-hidden": "true" });
  for (const phase of ["setup", "call", "teardown"]) {
    const part = element("span", { class: phase });
    part.style.width = `${longest ? (100 * data.tests[`${phase}_ns`][row]) / longest : 0}%`;
    bar.append(part);
  }
  return bar;
}

function showTests(data, showTest) {
  const { tests } = data;
  const total = (row) => tests.setup_ns[row] + tests.call_ns[row] + tests.teardown_ns[row];
  const longest = tests.nodeid.reduce((most, _, row) => Math.max(most, total(row)), 0);
  const name = (row) => data.strings[tests.nodeid[row]];
  const columns = [
    {
      label: "Test", name, picks: true,
      cell: (row) => {
        const outcome = OUTCOMES[tests.outcome[row]];
        const label = element("span", { class: "test" }, element("span", { class: `outcome ${outcome}`, title: outcome }, outcome), nameElement(name(row)));
        if (tests.reruns[row]) label.append(element("span", { class: "hint" }, ` ${formatCount(tests.reruns[row])} ${tests.reruns[row] === 1 ? "rerun" : "reruns"}`));
        label.append(phasesBar(data, row, longest));
        return label;
      },
    },
    { label: "Time", number: total, text: formatNs },
    ...["setup", "call", "teardown"].map((phase) => ({ label: phase[0].toUpperCase() + phase.slice(1), number: (row) => tests[`${phase}_ns`][row], text: formatNs, extra: true })),
  ];
  new Table(mountOf("tests"), {
    rows: tests.nodeid.length, what: "tests", columns,
    onPick: (row) => {
      if (tests.rows[row] > 0) showTest(row);
      else say(tests.rows[row] < 0 ? "This page had no room for that test's call tree: the JSON report has it." : "That test called no recorded function.");
    },
  });
  reveal("tests");
}

function showFixtures(data) {
  const { fixtures } = data;
  if (!fixtures.name.length) return;
  new Table(mountOf("fixtures"), {
    rows: fixtures.name.length, what: "fixtures", sort: 4,
    columns: [
      { label: "Fixture", name: (row) => data.strings[fixtures.name[row]] },
      { label: "Scope", name: (row) => data.strings[fixtures.scope[row]], extra: true },
      { label: "Of", name: (row) => data.strings[fixtures.nodeid[row]], extra: true },
      { label: "Set-ups", number: (row) => fixtures.setups[row], text: formatCount },
      { label: "Setup", number: (row) => fixtures.setup_ns[row], text: formatNs },
      { label: "Teardown", number: (row) => fixtures.teardown_ns[row], text: formatNs },
    ],
  });
  reveal("fixtures");
}

function showTimeline(data) {
  const spans = data.timeline.name.length;
  if (!spans) return;
  const left = data.timeline.left_out;
  document.getElementById("timeline-lead").textContent = `${formatCount(spans)} ${spans === 1 ? "span" : "spans"} on the session's clock${left ? `; ${formatCount(left)} more are left out here` : ""}. Drag to move, hold Ctrl and turn the wheel to zoom.`;
  reveal("timeline");
  const timeline = new Timeline(document.getElementById("timeline-canvas"), document.getElementById("timeline-detail"), data);
  for (const button of document.querySelectorAll("#timeline [data-go]")) {
    button.addEventListener("click", () => timeline.go(button.dataset.go));
  }
}

function showRuns(data) {
  const { runs } = data;
  if (!runs.length) return;
  const figure = (key, label, text, extra) => ({ label, number: (row) => runs[row][key], text, extra });
  const about = (run) => [run.test ? run.framework : "", `run ${run.run_id.slice(0, 8)}`, run.status === run.trust ? "" : `status ${run.status}`, run.note].filter(Boolean).join("; ");
  new Table(mountOf("runs"), {
    rows: runs.length, what: "runs",
    columns: [
      {
        label: "Run", name: (row) => [runs[row].test, runs[row].framework, runs[row].run_id, runs[row].trust, runs[row].status].join(" "),
        cell: (row) => element("span", {}, element("span", { class: "test" }, element("span", { class: `trust ${runs[row].trust}` }, runs[row].trust), nameElement(runs[row].test || runs[row].framework || "default")), element("span", { class: "hint about", title: runs[row].run_id }, about(runs[row]))),
      },
      figure("tokens", "Tokens", formatCount),
      figure("input_tokens", "Input", formatCount, true),
      figure("cached_tokens", "Cached", formatCount, true),
      figure("output_tokens", "Output", formatCount, true),
      figure("calls", "Requests", formatCount, true),
      { label: "Cost (USD)", number: (row) => runs[row].cost_usd, text: (_, row) => runs[row].cost },
    ],
  });
  reveal("runs");
}

function say(text) {
  const status = document.getElementById("status");
  status.textContent = text;
  status.hidden = !text;
  if (text) status.scrollIntoView({ block: "nearest" });
}

async function start() {
  for (const part of document.querySelectorAll("#outcomes span")) part.style.flexGrow = part.dataset.number;
  try {
    const data = await readData();
    const modules = new Modules(data);
    const flame = new Flame(document.getElementById("flame-chart"), document.getElementById("flame-detail"), modules);
    showHotspots(data, flame);
    showModules(data, modules, flame);
    const { draw, showTest } = showFlame(data, flame);
    showTests(data, showTest);
    showFixtures(data);
    showRuns(data);
    // The tables can be read while the graphs are made.
    await new Promise((resume) => setTimeout(resume));
    draw();
    showTimeline(data);
    say("");
    document.documentElement.dataset.ready = "yes";
    // The sections were hidden when the browser looked for the place that was asked for.
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  } catch (error) {
    say(`The figures can't be shown: ${error.message}`);
    document.getElementById("status").classList.add("problem");
    throw error;
  }
}

start();
