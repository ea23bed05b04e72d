// A table that sorts and searches its figures and draws only the rows that are looked at.

const PAGE_ROWS = 100;

// columns: {label, number: row -> figure or null, text: (figure, row) -> string} for figures, with
// mark: row -> string where one may stand before them,
// {label, name: row -> string, cell: row -> element} for names; `extra` ones hide on a phone.
class Table {
  constructor(mount, { rows, columns, sort = 1, what, search = true, onPick = null, first = PAGE_ROWS, start = true }) {
    this.columns = columns;
    this.count = rows;
    this.what = what;
    this.onPick = onPick;
    this.sortBy = sort;
    this.down = true;
    this.term = "";
    this.first = first;
    this.shown = first;
    this.found = element("span", { class: "hint", role: "status" });
    this.head = element("tr");
    this.body = element("tbody");
    this.more = element("button", { type: "button", class: "more" });
    this.more.addEventListener("click", () => { this.shown += 10 * PAGE_ROWS; this.draw(); });
    mount.replaceChildren();
    if (search && rows > 5) mount.append(this.searchField());
    mount.append(
      element("div", { class: "scroll" }, element("table", {}, element("thead", {}, this.head), this.body)),
      this.more,
    );
    columns.forEach((column, at) => this.head.append(this.header(column, at)));
    if (start) this.update();
  }

  searchField() {
    const field = element("input", { type: "search", autocomplete: "off", placeholder: "part of a name" });
    field.addEventListener("input", () => { this.term = field.value.toLowerCase(); this.shown = this.first; this.update(); });
    return element("div", { class: "controls" }, element("label", { class: "grow" }, "Search ", field), this.found);
  }

  header(column, at) {
    const button = element("button", { type: "button" }, column.label);
    button.addEventListener("click", () => {
      this.down = this.sortBy === at ? !this.down : Boolean(column.number);
      this.sortBy = at;
      this.update();
    });
    return element("th", { scope: "col", class: this.classOf(column) }, button);
  }

  classOf(column) {
    return `${column.number ? "number" : "text"}${column.extra ? " extra" : ""}`;
  }

  update() {
    this.order = this.ordered();
    [...this.head.children].forEach((cell, at) => {
      if (at === this.sortBy) cell.setAttribute("aria-sort", this.down ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
    this.draw();
  }

  // Which rows, in which order.
  ordered() {
    const found = [];
    for (let row = 0; row < this.count; row++) {
      if (!this.term || this.columns.some((c) => c.name && c.name(row).toLowerCase().includes(this.term))) found.push(row);
    }
    return this.sorted(found, this.columns[this.sortBy]);
  }

  sorted(rows, column) {
    const order = [...rows];
    const sign = this.down ? -1 : 1;
    if (column.number) {
      // Unknown figures come last, whichever way.
      const known = (row) => (column.number(row) === null ? sign * Infinity : column.number(row));
      order.sort((a, b) => (known(a) === known(b) ? a - b : sign * (known(a) < known(b) ? -1 : 1)));
    } else {
      const keys = new Map(order.map((row) => [row, column.name(row)]));
      order.sort((a, b) => sign * (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : a - b));
    }
    return order;
  }

  said() {
    const all = `${formatCount(this.count)} ${this.what}`;
    return this.term ? `${formatCount(this.order.length)} of ${all}` : all;
  }

  draw() {
    const rows = this.order.slice(0, this.shown);
    this.body.replaceChildren(...rows.map((row) => element("tr", {}, ...this.columns.map((c) => this.cell(c, row)))));
    const left = this.order.length - rows.length;
    this.more.hidden = left === 0;
    this.more.textContent = `Show more (${formatCount(left)} left)`;
    this.found.textContent = this.said();
  }

  cell(column, row) {
    if (!column.number) {
      const shown = column.cell ? column.cell(row) : nameElement(column.name(row));
      if (!column.picks || !this.onPick) return element("td", { class: this.classOf(column) }, shown);
      const button = element("button", { type: "button", class: "pick" }, shown);
      button.addEventListener("click", () => this.onPick(row));
      return element("td", { class: this.classOf(column) }, button);
    }
    const figure = column.number(row);
    const mark = column.mark ? column.mark(row) : "";
    const title = explainMark(mark);
    if (figure === null) return element("td", { class: this.classOf(column), title }, UNKNOWN);
    const cell = element("td", { class: this.classOf(column), "data-value": figure, title }, mark + column.text(figure, row));
    if (column.bar) {
      cell.classList.add("barred");
      const bar = element("span", { class: "share", "aria-hidden": "true" });
      bar.style.width = `${Math.min(100, 100 * column.bar(row))}%`;
      cell.append(bar);
    }
    return cell;
  }
}
