// Modules: which one a function is in, the colour of each, and the table of modules.

const NO_MODULE = "(no module)";

// The modules of the report by name, and the functions' by the longest beginning of their names.
class Modules {
  constructor(data) {
    const { modules, strings } = data;
    this.ranks = new Map();
    this.found = new Map();
    const rows = modules.name.map((_, row) => row).filter((row) => modules.is_module[row]);
    rows.sort((a, b) => modules.self_ns[b] - modules.self_ns[a] || a - b);
    for (const row of rows) this.ranks.set(strings[modules.name[row]], this.ranks.size);
  }

  get names() {
    return [...this.ranks.keys()];
  }

  // Empty where no module is known.
  of(name) {
    let module = this.found.get(name);
    if (module === undefined) {
      module = name;
      do module = module.slice(0, Math.max(0, module.lastIndexOf(".")));
      while (module && !this.ranks.has(module));
      this.found.set(name, module);
    }
    return module;
  }

  // What the module calls it.
  label(name) {
    const module = this.of(name);
    return module ? name.slice(module.length + 1) : name;
  }

  // The hottest modules' hues are far apart; where there is one module or none, what leads to a
  // name decides: its class, most often.
  hue(name) {
    const rank = this.ranks.get(this.of(name));
    if (rank !== undefined && this.ranks.size > 1) return this.hueOf(rank);
    const path = name.slice(0, Math.max(name.lastIndexOf("."), 0)) || name;
    let hash = 7;
    for (let at = 0; at < Math.min(path.length, 200); at++) hash = (hash * 31 + path.charCodeAt(at)) % 9973;
    return (hash * 137) % 360;
  }

  hueOf(rank) {
    return Math.round((215 + rank * 137.508) % 360);
  }

  // A patch of the colour that the module's frames have; its lightness follows the scheme.
  swatch(module) {
    const patch = element("span", { class: "swatch", "aria-hidden": "true" });
    const rank = this.ranks.get(module);
    if (rank !== undefined) patch.style.setProperty("--hue", this.hueOf(rank));
    else patch.classList.add("none");
    return patch;
  }
}

// Packages, their modules, the modules' functions: one row each, those within a closed one hidden.
class ModuleTable extends Table {
  constructor(mount, data, modules, onPick) {
    const nodes = moduleNodes(data, modules);
    super(mount, { rows: nodes.length, columns: moduleColumns(data, nodes), sort: 3, what: "modules", onPick: () => {}, start: false });
    this.nodes = nodes;
    this.modules = modules;
    this.known = modules.ranks.size;
    this.onFunction = onPick;
    this.columns[0].cell = (row) => this.nameCell(nodes[row]);
    this.update();
  }

  ordered() {
    const column = this.columns[this.sortBy];
    const hits = new Set();
    if (this.term) {
      for (const node of this.nodes) {
        if (!node.search.includes(this.term)) continue;
        for (let above = node; above && !hits.has(above.row); above = above.above) hits.add(above.row);
      }
    }
    const order = [];
    const visit = (rows) => {
      const shown = this.term ? rows.filter((row) => hits.has(row)) : rows;
      for (const row of this.sorted(shown, column)) {
        order.push(row);
        if (this.nodes[row].open || this.term) visit(this.nodes[row].below);
      }
    };
    visit(this.nodes.filter((node) => !node.above).map((node) => node.row));
    return order;
  }

  said() {
    if (!this.term) return `${formatCount(this.known)} ${this.known === 1 ? "module" : "modules"}`;
    const found = this.order.filter((row) => this.nodes[row].search.includes(this.term)).length;
    return `${formatCount(found)} ${found === 1 ? "row" : "rows"} found`;
  }

  nameCell(node) {
    const cell = element("span", { class: `branch ${node.kind}` });
    cell.style.setProperty("--depth", node.depth);
    const label = nameElement(node.label);
    if (node.kind === "function") {
      const button = element("button", { type: "button", class: "pick" }, label);
      button.addEventListener("click", () => this.onFunction(node.name));
      cell.append(button);
      return cell;
    }
    const open = node.open || this.term !== "";
    const button = element("button", { type: "button", class: "pick fold", "aria-expanded": String(open) }, label);
    if (node.kind === "module") button.prepend(this.modules.swatch(node.name));
    button.addEventListener("click", () => this.toggle(node));
    cell.append(button);
    return cell;
  }

  toggle(node) {
    node.open = !node.open;
    this.update();
    // The row was drawn anew: the keyboard stays on it.
    this.body.children[this.order.indexOf(node.row)]?.querySelector("button")?.focus();
  }
}

function moduleColumns(data, nodes) {
  const whole = data.session.work_ns;
  const count = (key, label, mark) => ({ label, number: (row) => nodes[row][key], mark, text: formatCount, extra: true });
  const least = (row) => nodes[row].calls_mark;
  return [
    { label: "Module", name: (row) => nodes[row].label },
    count("functions", "Functions"),
    count("calls", "Calls", least),
    markedColumn("Self", (row) => nodes[row].self_ns, (row) => nodes[row].self_mark, { bar: (row) => (whole ? nodes[row].self_ns / whole : 0) }),
    { label: "Share", number: (row) => (nodes[row].self_mark === UNKNOWN ? null : whole ? (100 * nodes[row].self_ns) / whole : 0), text: (share) => formatShare(share, 100), extra: true },
    markedColumn("Total", (row) => nodes[row].total_ns, (row) => nodes[row].total_mark),
    count("errors", "Errors", least),
  ];
}

// The table's rows, each with what is above and below it; packages are open, modules are not.
function moduleNodes(data, modules) {
  const { modules: table, functions, strings } = data;
  const nodes = [];
  const add = (above, kind, name, label, figures) => {
    const node = { row: nodes.length, kind, name, label, search: name.toLowerCase(), depth: above ? above.depth + 1 : 0, above, below: [], open: kind === "package", ...figures };
    if (above) above.below.push(node.row);
    nodes.push(node);
    return node;
  };
  const path = [];
  const places = new Map();
  table.name.forEach((text, row) => {
    const name = strings[text];
    const kind = table.is_module[row] ? "module" : "package";
    path.length = table.depth[row];
    const figures = { functions: table.functions[row], calls: table.calls[row], errors: table.errors[row], self_ns: table.self_ns[row], total_ns: table.cumulative_ns[row], self_mark: strings[table.self_mark[row]], total_mark: strings[table.total_mark[row]], calls_mark: strings[table.calls_mark[row]] };
    const node = add(path.at(-1), kind, name, strings[table.label[row]], figures);
    path.push(node);
    if (kind === "module") places.set(name, node);
  });
  functions.name.forEach((text, row) => {
    const name = strings[text];
    const module = modules.of(name);
    if (!places.has(module)) places.set(module, add(undefined, "module", NO_MODULE, NO_MODULE, { functions: 0, calls: 0, errors: 0, self_ns: 0, total_ns: null, self_mark: "", total_mark: "", calls_mark: "" }));
    const above = places.get(module);
    const figures = { functions: null, calls: functions.calls[row], errors: functions.errors[row], self_ns: functions.self_ns[row], total_ns: functions.total_ns[row], self_mark: markSelf(functions, row), total_mark: markTotal(functions, row), calls_mark: markCalls(functions, row) };
    if (!module) {
      above.functions += 1;
      above.self_mark = joinMarks(above.self_mark, figures.self_mark);
      if (figures.calls_mark) above.calls_mark = "≥";
      for (const key of ["calls", "errors", "self_ns"]) above[key] += figures[key];
    }
    add(above, "function", name, modules.label(name), figures);
  });
  return nodes;
}
