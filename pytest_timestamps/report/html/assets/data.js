// The page's data: gzipped JSON of columns, in the element #data.

const OUTCOMES = ["passed", "failed", "skipped", "xfailed", "xpassed", "error"];

async function readData() {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("this browser can't unpack the data (no DecompressionStream): use one from 2023 or later");
  }
  const packed = atob(document.getElementById("data").textContent.trim());
  // A plain loop: Uint8Array.from with a function takes seconds for megabytes.
  const bytes = new Uint8Array(packed.length);
  for (let at = 0; at < packed.length; at++) bytes[at] = packed.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const data = JSON.parse(await new Response(stream).text());
  let next = 0;
  // Where each test's rows begin in the common table; -1 where the page had no room for them.
  data.tests.first = data.tests.rows.map((rows) => (rows < 0 ? -1 : (next += rows) - rows));
  return data;
}

// Call trees as nodes for the flame graph. A node's value is its own time; its width is the sum
// over all below it, so widths always add up, also for work that ran beside its parent.
const DEEPEST = 150;
// A frame below this share of the graph is drawn as a part of its caller: it would be narrower
// than a pixel even when zoomed in fiftyfold, and a large session has 100,000 of them.
const NARROWEST = 1 / 50000;

// A frame that is no function: all tests, a file, a test, a phase. `wall` is a test's own time.
function groupNode(name, parent, wall = null) {
  const made = { name, value: 0, sum: 0, calls: 0, errors: 0, total: null, wall, depth: parent ? parent.depth + 1 : 0, children: [], parent };
  if (parent) parent.children.push(made);
  return made;
}

function wholeTree(data) {
  const root = groupNode("all tests and fixtures");
  grow(data, data.tree, 0, data.tree.up.length, root);
  root.value = data.tree.top_ns;
  if (data.tree.left_out) root.remark = `${formatCount(data.tree.left_out)} narrow paths are counted in their callers`;
  return settle(root);
}

function testTree(data, row) {
  return settle(growTest(data, row, undefined));
}

// Every test that called something, below its file.
function testsTree(data) {
  const root = groupNode("all tests, one beside the other");
  const files = new Map();
  data.tests.nodeid.forEach((text, row) => {
    if (data.tests.rows[row] <= 0) return;
    const file = data.strings[text].split("::", 1)[0];
    if (!files.has(file)) files.set(file, groupNode(file, root));
    const test = growTest(data, row, files.get(file));
    test.row = row;
    test.label = test.name.slice(file.length + 2) || test.name;
  });
  const left = data.tests.rows.filter((rows) => rows < 0).length;
  if (left) root.remark = `this page had no room for ${formatCount(left)} more`;
  return settle(root);
}

function growTest(data, row, parent) {
  const { tests } = data;
  const node = groupNode(data.strings[tests.nodeid[row]], parent, tests.setup_ns[row] + tests.call_ns[row] + tests.teardown_ns[row]);
  grow(data, data.test_trees, tests.first[row], tests.rows[row], node);
  return node;
}

// The rows first ... first + count of a table of trees, below `root`.
function grow(data, table, first, count, root) {
  const sections = new Map();
  const nodes = new Array(count);
  for (let at = 0; at < count; at++) {
    const row = first + at;
    let parent = table.up[row] ? nodes[at - table.up[row]] : root;
    const section = data.strings[table.section[row]];
    if (parent === root && section) {
      if (!sections.has(section)) {
        sections.set(section, groupNode(section, root));
      }
      parent = sections.get(section);
    }
    if (parent.depth >= DEEPEST) {
      // Deeper frames count in the deepest one shown.
      parent.value += Math.max(0, table.self_ns[row]);
      parent.deeper = (parent.deeper || 0) + 1;
      nodes[at] = parent;
      continue;
    }
    const node = {
      name: data.strings[table.name[row]], value: Math.max(0, table.self_ns[row]) + (table.rest_ns ? table.rest_ns[row] : 0), sum: 0,
      calls: table.calls[row], errors: table.errors[row], total: table.total_ns[row],
      self: table.self_ns[row], detached: table.detached[row] === 1,
      estimated: table.estimated[row], untimed: table.untimed[row], callees: table.callees[row],
      depth: parent.depth + 1, children: [], parent,
    };
    parent.children.push(node);
    nodes[at] = node;
  }
}

// Adds up the widths, leaves out what is too narrow, the widest first.
function settle(root) {
  const order = [root];
  for (let at = 0; at < order.length; at++) for (const child of order[at].children) order.push(child);
  for (let at = order.length - 1; at >= 0; at--) {
    const node = order[at];
    node.sum += node.value;
    if (node.parent) node.parent.sum += node.sum;
    // The library keeps a parent of its own.
    delete node.parent;
  }
  for (const node of order) {
    const wide = node.children.filter((child) => child.sum > root.sum * NARROWEST);
    if (wide.length < node.children.length) {
      for (const child of node.children) if (child.sum <= root.sum * NARROWEST) node.value += child.sum;
      node.children = wide;
    }
    node.children.sort((a, b) => b.sum - a.sum || (a.name < b.name ? -1 : 1));
  }
  return root;
}

// A test's functions: its rows summed by name, as the report sums them.
function functionsOf(data, table, first, count) {
  const keys = ["calls", "errors", "total_ns", "self_ns", "estimated", "untimed"];
  const found = new Map();
  for (let row = first; row < first + count; row++) {
    const name = table.name[row];
    if (!found.has(name)) found.set(name, { name, callees: 0, ...Object.fromEntries(keys.map((key) => [key, 0])) });
    const sums = found.get(name);
    for (const key of keys) sums[key] += table[key][row];
    sums.callees |= table.callees[row];
  }
  const rows = [...found.values()];
  const columns = { length: rows.length };
  for (const key of ["name", "callees", ...keys]) columns[key] = rows.map((row) => row[key]);
  return columns;
}
