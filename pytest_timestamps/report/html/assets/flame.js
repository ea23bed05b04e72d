// The flame graph, drawn by d3-flame-graph; the colours, the keys and what is said are ours.

const CELL_HEIGHT = 22;
const ALL_TESTS = "-1";
const EACH_TEST = "-2";

// What tells functions apart stands at a name's end, and a narrow frame shows only a beginning.
function lastParts(name, module) {
  if (name.includes("::") || name.length > 500) return name;
  const own = name.slice(module ? module.length + 1 : 0).replaceAll("<locals>.", "");
  // A bare function's name says little without its module's.
  const dot = own.lastIndexOf(".", own.lastIndexOf(".") - 1);
  if (own.includes(".")) return dot > 0 ? own.slice(dot + 1) : own;
  return module ? `${module.slice(module.lastIndexOf(".") + 1)}.${own}` : own;
}

class Flame {
  constructor(mount, detail, modules) {
    this.mount = mount;
    this.modules = modules;
    // Told of a test among others that was chosen: a page of thousands can't draw all within it.
    this.onTest = () => {};
    this.detail = detail;
    this.term = "";
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.dark.addEventListener("change", () => this.draw());
    mount.addEventListener("keydown", (event) => this.key(event));
    mount.addEventListener("focus", () => this.mark());
    let width = 0;
    new ResizeObserver(() => {
      if (Math.abs(mount.clientWidth - width) < 2) return;
      width = mount.clientWidth;
      this.draw();
    }).observe(mount);
  }

  show(tree) {
    this.tree = tree;
    this.draw();
  }

  draw() {
    if (!this.tree || !this.mount.clientWidth) return;
    this.mount.replaceChildren();
    // The library marks what is hidden on the data itself.
    const clean = [this.tree];
    while (clean.length) {
      const node = clean.pop();
      delete node.hide;
      delete node.fade;
      clean.push(...node.children);
    }
    const duration = this.calm.matches ? 0 : 150;
    this.chart = TimestampsFlame.flamegraph()
      .width(this.mount.clientWidth).cellHeight(CELL_HEIGHT).inverted(true).selfValue(true)
      .minFrameSize(1).transitionDuration(duration).resetHeightOnZoom(true)
      .getName((node) => this.label(node.data)).label((node) => this.describe(node)).setColorMapper((node) => this.colour(node))
      .setSearchMatch((node) => this.matches(node)).setSearchHandler(() => {})
      .setDetailsHandler((text) => { this.detail.textContent = text || this.describe(this.current); })
      .onClick((node) => { this.current = node; this.fit(); this.mark(); this.open(node); });
    TimestampsFlame.select(this.mount).datum(this.tree).call(this.chart);
    this.root = TimestampsFlame.select(this.mount).datum();
    this.current = this.root;
    this.zoomed = this.root;
    this.detail.textContent = this.describe(this.root);
    this.fit();
    if (this.term) this.search(this.term);
  }

  // The library leaves two empty rows, for a title that this page doesn't use.
  fit() {
    this.mount.querySelector("svg").setAttribute("height", this.chart.height() - 2 * CELL_HEIGHT);
  }

  label(data) {
    if (data.label !== undefined) return data.label;
    if (data.total === null) return data.name;
    const mark = this.marks(data).total;
    return `${mark === UNKNOWN ? "" : mark}${lastParts(data.name, this.modules.of(data.name))}`;
  }

  // As those of a table with this one row.
  marks(data) {
    const table = { calls: [data.calls], estimated: [data.estimated], untimed: [data.untimed], callees: [data.callees] };
    return { own: markSelf(table, 0), total: markTotal(table, 0) };
  }

  describe(node) {
    const data = node.data;
    const share = formatShare(data.sum, this.tree.sum);
    if (data.wall !== null && data.wall !== undefined) {
      return `${shorten(data.name, 300)}: ${formatNs(data.sum)} in recorded functions (${share}), of a test of ${formatNs(data.wall)}`;
    }
    if (data.remark) return `${data.name}: ${formatNs(data.sum)}; ${data.remark}`;
    if (data.total === null) return `${data.name}: ${formatNs(data.sum)}, ${share} of all`;
    const { own, total } = this.marks(data);
    const time = (mark, ns) => (mark === UNKNOWN ? UNKNOWN : mark + formatNs(ns));
    const parts = [
      `${shorten(data.name, 300)}: ${formatNs(data.sum)} in the graph (${share})`,
      `self ${time(own, data.self)}`, `total ${time(total, data.total)}`,
      `${data.callees & MISSED ? "≥" : ""}${formatCount(data.calls)} ${data.calls === 1 ? "call" : "calls"}`,
    ];
    if (data.estimated) parts.push(`${formatCount(data.estimated)} of them estimated`);
    if (data.untimed) parts.push(`${formatCount(data.untimed)} of them only counted`);
    if (!data.untimed && data.callees & COUNTED) parts.push("self holds the time of calls that were only counted or left out");
    else if (!data.estimated && data.callees & ESTIMATED) parts.push("self is less an estimate of what it called");
    if (data.callees & MISSED) parts.push("left out at some time");
    if (data.errors) parts.push(`${formatCount(data.errors)} raised`);
    if (data.detached) parts.push("ran beside its caller");
    if (data.deeper) parts.push(`${formatCount(data.deeper)} deeper paths are counted here`);
    return parts.join(", ");
  }

  // One hue a module, so that a module's frames are recognised anywhere.
  colour(node) {
    const dark = this.dark.matches;
    if (node.highlight) return dark ? "#b0379a" : "#f5a3e0";
    if (node.data.total === null) return dark ? "#39414f" : "#d7dde6";
    const hue = this.modules.hue(node.data.name);
    const step = (node.depth % 3) * 3;
    return dark ? `hsl(${hue} 38% ${30 + step}%)` : `hsl(${hue} 62% ${76 + step}%)`;
  }

  matches(node) {
    return this.term !== "" && node.data.name.toLowerCase().includes(this.term);
  }

  // Highlights frames of that name; says how much of the graph they are.
  search(term) {
    this.term = term.toLowerCase();
    if (!this.chart) return;
    this.chart.search(this.term);
    if (!this.term) { this.detail.textContent = this.describe(this.root); return; }
    let sum = 0;
    let frames = 0;
    const walk = [[this.root, false]];
    while (walk.length) {
      const [node, within] = walk.pop();
      const hit = this.matches(node);
      frames += hit;
      if (hit && !within) sum += node.data.sum;
      for (const child of node.children || []) walk.push([child, within || hit]);
    }
    this.detail.textContent = `${formatCount(frames)} ${frames === 1 ? "frame" : "frames"} found: ${formatNs(sum)}, ${formatShare(sum, this.tree.sum)} of the graph`;
  }

  reset() {
    if (!this.chart) return;
    this.zoomed = this.root;
    this.current = this.root;
    this.chart.resetZoom();
  }

  key(event) {
    const node = this.current;
    if (!node || event.ctrlKey || event.metaKey || event.altKey) return;
    const visible = (list) => (list || []).filter((one) => one.x1 > one.x0);
    const beside = (step) => {
      const siblings = node.parent ? visible(node.parent.children) : [node];
      return siblings[siblings.indexOf(node) + step] || node;
    };
    const moves = {
      ArrowDown: () => visible(node.children)[0] || node,
      ArrowUp: () => node.parent || node,
      ArrowRight: () => beside(1),
      ArrowLeft: () => beside(-1),
      Home: () => this.root,
    };
    if (event.key in moves) {
      this.current = moves[event.key]();
      this.detail.textContent = this.describe(this.current);
      this.mark();
    } else if (event.key === "Enter" || event.key === " ") {
      this.zoomed = node;
      this.chart.zoomTo(node);
      this.open(node);
    } else if (event.key === "Escape") {
      this.zoomed = (this.zoomed && this.zoomed.parent) || this.root;
      this.current = this.zoomed;
      this.chart.zoomTo(this.zoomed);
    } else {
      return;
    }
    event.preventDefault();
  }

  open(node) {
    if (node.data.row !== undefined) setTimeout(() => this.onTest(node.data.row));
  }

  // Shows which frame the keys are at.
  mark() {
    TimestampsFlame.select(this.mount).selectAll("g").classed("current", (node) => node === this.current);
  }
}
