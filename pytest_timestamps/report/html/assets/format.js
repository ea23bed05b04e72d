"use strict";
// Figures as text, exactly as the terminal's report writes them.

const UNITS = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]];

// toFixed takes a tie up, Python takes it to the even neighbour; ties of numbers that are
// divided by powers of ten end in eighths, quarters or halves.
function fixed(value, digits) {
  const parts = value * 2 ** (digits + 1);
  if (Number.isInteger(parts) && Math.abs(parts % 2) === 1) {
    const below = Math.floor(value * 10 ** digits);
    return ((below % 2 === 0 ? below : below + 1) / 10 ** digits).toFixed(digits);
  }
  return value.toFixed(digits);
}

function formatCount(value) {
  return value.toLocaleString("en-US");
}

function formatNs(ns) {
  if (ns < 0) return "-" + formatNs(-ns);
  if (ns >= 3599500000000) {
    const minutes = Math.round(ns / 6e10);
    return `${formatCount(Math.floor(minutes / 60))} h ${String(minutes % 60).padStart(2, "0")} min`;
  }
  if (ns >= 59950000000) {
    const seconds = Math.round(ns / 1e9);
    return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
  }
  for (const [unitNs, unit] of UNITS) {
    if (ns * 2000 >= unitNs * 1999) {
      const value = ns / unitNs;
      return `${fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
    }
  }
  return `${ns} ns`;
}

function formatShare(part, whole) {
  if (whole <= 0) return "-";
  const share = (100 * part) / whole;
  return share > 0 && share < 0.05 ? "<0.1%" : `${fixed(share, 1)}%`;
}

function shorten(text, width) {
  if (text.length <= width) return text;
  const head = Math.floor(((width - 1) * 2) / 5);
  return `${text.slice(0, head)}…${text.slice(text.length - (width - 1 - head))}`;
}

// The one way in which this page makes elements: text is only ever text.
function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// A name in two shades: what leads to it, and its own. The text is the name, unchanged; it may
// be broken after the characters that join words.
function nameElement(name) {
  // A test's parameters may hold anything, colons too.
  const parameters = name.indexOf("[", name.indexOf("::"));
  const colons = name.lastIndexOf("::", parameters < 0 ? Infinity : parameters);
  // A file's dot stands before its ending, a function's before its own name.
  const mark = name.endsWith(".py") ? "/" : ".";
  const cut = colons >= 0 ? colons + 2 : name.lastIndexOf(mark, name.length - 2) + 1;
  const label = element("bdi", { class: "name", title: name.length > 60 ? name : null });
  if (cut > 0) label.append(element("span", { class: "path" }, ...breakable(name.slice(0, cut))));
  label.append(...breakable(name.slice(cut)));
  return label;
}

function breakable(text) {
  if (text.length > 500) return [text];
  return text.split(/(?<=[._/:[\]-])/).flatMap((part, at) => (at ? [element("wbr"), part] : [part]));
}
