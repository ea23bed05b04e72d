// The timeline: spans on the session's clock, a row of lanes for each thread, drawn on a canvas.

const LANE_HEIGHT = 18;
const HEADING_HEIGHT = 22;
const AXIS_HEIGHT = 24;
const MAX_LANES = 150;

class Timeline {
  constructor(canvas, detail, data) {
    this.canvas = canvas;
    this.detail = detail;
    this.data = data;
    this.spans = data.timeline;
    this.count = this.spans.name.length;
    this.current = -1;
    this.pack();
    this.start = this.first;
    this.length = Math.max(1, this.last - this.first);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("pointerdown", (event) => this.grab(event));
    canvas.addEventListener("pointermove", (event) => this.point(event));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("dblclick", (event) => this.zoom(0.25, this.timeAt(event)));
  }

  // Each span goes to the first lane of its thread that is free: callees come below callers.
  pack() {
    const groups = new Map();
    this.first = Infinity;
    this.last = 0;
    this.lane = new Int32Array(this.count);
    this.group = [];
    for (let at = 0; at < this.count; at++) {
      const thread = this.data.strings[this.spans.thread[at]] || "thread";
      const label = this.data.strings[this.spans.task[at]] ? `${thread}, tasks` : thread;
      if (!groups.has(label)) groups.set(label, { label, ends: [] });
      const { ends } = groups.get(label);
      const start = this.spans.start_ns[at];
      const end = start + this.spans.length_ns[at];
      let lane = ends.findIndex((busy) => busy <= start);
      if (lane < 0) lane = ends.length < MAX_LANES ? ends.push(end) - 1 : MAX_LANES - 1;
      ends[lane] = Math.max(ends[lane], end);
      this.lane[at] = lane;
      this.group.push(groups.get(label));
      this.first = Math.min(this.first, start);
      this.last = Math.max(this.last, end);
    }
    let top = AXIS_HEIGHT;
    for (const group of groups.values()) {
      group.top = top;
      top += HEADING_HEIGHT + group.ends.length * LANE_HEIGHT + 8;
    }
    this.groups = [...groups.values()];
    this.height = top;
  }

  y(at) {
    return this.group[at].top + HEADING_HEIGHT + this.lane[at] * LANE_HEIGHT;
  }

  draw() {
    const width = this.canvas.parentElement.clientWidth;
    if (!width) return;
    const scale = window.devicePixelRatio || 1;
    this.width = width;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${this.height}px`;
    this.canvas.width = width * scale;
    this.canvas.height = this.height * scale;
    const paint = this.canvas.getContext("2d");
    paint.setTransform(scale, 0, 0, scale, 0, 0);
    const colours = getComputedStyle(document.documentElement);
    const ink = colours.getPropertyValue("--ink");
    const faint = colours.getPropertyValue("--faint");
    paint.font = "12px system-ui, sans-serif";
    paint.textBaseline = "middle";
    this.axis(paint, ink, colours.getPropertyValue("--line"));
    for (const group of this.groups) {
      paint.fillStyle = faint;
      paint.fillText(shorten(group.label, 80), 4, group.top + HEADING_HEIGHT / 2);
    }
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    for (let at = 0; at < this.count; at++) this.drawSpan(paint, at, ink, dark);
  }

  axis(paint, ink, line) {
    const rough = this.length / Math.max(2, this.width / 120);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * ([1, 2, 5].find((one) => one * power >= rough) || 10);
    for (let mark = Math.ceil(this.start / step) * step; mark <= this.start + this.length; mark += step) {
      const x = ((mark - this.start) / this.length) * this.width;
      paint.fillStyle = line;
      paint.fillRect(x, 0, 1, this.height);
      paint.fillStyle = ink;
      paint.fillText(formatNs(Math.round(mark)), x + 4, AXIS_HEIGHT / 2);
    }
  }

  drawSpan(paint, at, ink, dark) {
    const x = ((this.spans.start_ns[at] - this.start) / this.length) * this.width;
    const wide = Math.max(1, (this.spans.length_ns[at] / this.length) * this.width);
    if (x + wide < 0 || x > this.width) return;
    const hue = (this.spans.name[at] * 137) % 360;
    paint.fillStyle = dark ? `hsl(${hue} 38% 34%)` : `hsl(${hue} 62% 78%)`;
    const left = Math.max(0, x);
    const shown = Math.min(this.width, x + wide) - left;
    paint.fillRect(left, this.y(at), shown, LANE_HEIGHT - 2);
    if (at === this.current) {
      paint.strokeStyle = ink;
      paint.lineWidth = 2;
      paint.strokeRect(left + 1, this.y(at) + 1, Math.max(1, shown - 2), LANE_HEIGHT - 4);
    }
    if (shown > 40) {
      paint.fillStyle = ink;
      paint.fillText(shorten(this.data.strings[this.spans.name[at]], Math.floor(shown / 7)), left + 4, this.y(at) + LANE_HEIGHT / 2 - 1, shown - 8);
    }
  }

  timeAt(event) {
    return this.start + (event.offsetX / this.width) * this.length;
  }

  zoom(factor, around = this.start + this.length / 2) {
    const length = Math.min(Math.max(this.length * factor, 100), Math.max(1, this.last - this.first));
    this.start = around - ((around - this.start) / this.length) * length;
    this.length = length;
    this.move(0);
  }

  move(share) {
    this.start += share * this.length;
    this.start = Math.max(this.first, Math.min(this.start, this.last - this.length));
    this.draw();
  }

  go(where) {
    if (where === "in") this.zoom(0.5);
    else if (where === "out") this.zoom(2);
    else if (where === "all") this.zoom(Infinity);
    else this.move(where === "left" ? -0.25 : 0.25);
  }

  key(event) {
    const ways = { ArrowLeft: "left", ArrowRight: "right", "+": "in", "=": "in", "-": "out", 0: "all" };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ways) this.go(ways[event.key]);
    else if (event.key === "n" || event.key === "p") this.choose((this.current + (event.key === "n" ? 1 : -1) + this.count) % this.count);
    else return;
    event.preventDefault();
  }

  wheel(event) {
    // Without a key the page scrolls, as anywhere else.
    if (!event.ctrlKey && !event.shiftKey) return;
    event.preventDefault();
    if (event.ctrlKey) this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.timeAt(event));
    else this.move((event.deltaX || event.deltaY) / this.width);
  }

  grab(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.held = event.offsetX;
    const found = this.spanAt(event.offsetX, event.offsetY);
    if (found >= 0) this.choose(found);
  }

  point(event) {
    if (event.buttons === 1 && event.pointerType === "mouse") {
      this.move((this.held - event.offsetX) / this.width);
      this.held = event.offsetX;
      return;
    }
    const found = this.spanAt(event.offsetX, event.offsetY);
    if (found >= 0) this.detail.textContent = this.describe(found);
  }

  spanAt(x, y) {
    const time = this.start + (x / this.width) * this.length;
    const slack = this.length / this.width;
    for (let at = 0; at < this.count; at++) {
      const top = this.y(at);
      const after = time - this.spans.start_ns[at];
      if (y >= top && y < top + LANE_HEIGHT && after >= 0 && after <= this.spans.length_ns[at] + slack) return at;
    }
    return -1;
  }

  choose(at) {
    this.current = at;
    const start = this.spans.start_ns[at];
    if (start < this.start || start > this.start + this.length) this.start = start - this.length / 4;
    this.detail.textContent = this.describe(at);
    this.move(0);
  }

  describe(at) {
    const { strings } = this.data;
    const task = strings[this.spans.task[at]];
    const where = [strings[this.spans.phase[at]], shorten(strings[this.spans.owner[at]], 200), task && `task ${task}`];
    return `${shorten(strings[this.spans.name[at]], 300)}: ${formatNs(this.spans.length_ns[at])} from ${formatNs(this.spans.start_ns[at])}; ${where.filter(Boolean).join(", ")}`;
  }
}
