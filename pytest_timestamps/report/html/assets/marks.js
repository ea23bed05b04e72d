// How far a time is known where not every call was timed: a mark before it, as analysis/certainty.py
// has it. Rows are of tables with the columns calls, estimated, untimed and callees.

const UNKNOWN = "-";
const UNBOUNDED = "?";
// Bits of "callees": the function calls some whose times are estimated, or were only counted, or it
// was left out itself.
const ESTIMATED = 1;
const COUNTED = 2;
const MISSED = 4;
const MEANINGS = {
  "~": "estimated from the calls that were timed",
  "≥": "at least: calls were only counted or left out, their time is with their callers",
  "≤": "at most: it holds the time of calls that were only counted, or left out",
  "?": "may be more or less: it lacks the time of such calls of its own, and holds that of others",
  "-": "unknown: calls were only counted, their time is with their callers",
};

function markOf(isEstimated, lacks, holds) {
  if (lacks && holds) return UNBOUNDED;
  return (lacks ? "≥" : holds ? "≤" : "") + (isEstimated ? "~" : "");
}

// The mark of a sum, from the marks of its parts.
function joinMarks(...marks) {
  const has = (one) => marks.some((mark) => mark.includes(one));
  return markOf(has("~"), has("≥") || has(UNBOUNDED) || has(UNKNOWN), has("≤") || has(UNBOUNDED));
}

function hasNoTime(table, row) {
  return table.untimed[row] > 0 && table.untimed[row] >= table.calls[row];
}

function wasLeftOut(table, row) {
  return (table.callees[row] & MISSED) > 0;
}

// Of calls and errors.
function markCalls(table, row) {
  return wasLeftOut(table, row) ? "≥" : "";
}

function lacksTime(table, row) {
  return table.untimed[row] > 0 || wasLeftOut(table, row);
}

function markTotal(table, row) {
  if (hasNoTime(table, row)) return UNKNOWN;
  return markOf(table.estimated[row] > 0, lacksTime(table, row), false);
}

function markSelf(table, row) {
  if (hasNoTime(table, row)) return UNKNOWN;
  const callees = table.callees[row];
  return markOf(table.estimated[row] > 0 || (callees & ESTIMATED) > 0, lacksTime(table, row), (callees & COUNTED) > 0);
}

function markAverage(table, row) {
  return hasNoTime(table, row) ? UNKNOWN : table.estimated[row] > 0 || wasLeftOut(table, row) ? "~" : "";
}

// The shortest and the longest are of calls that were timed.
function markExtremes(table, row) {
  const untold = table.estimated[row] + table.untimed[row];
  if (!untold) return wasLeftOut(table, row) ? "~" : "";
  return untold >= table.calls[row] ? UNKNOWN : "~";
}

function averageOf(table, row) {
  const known = table.calls[row] - table.untimed[row];
  return known > 0 ? Math.floor(table.total_ns[row] / known) : 0;
}

function explainMark(mark) {
  return [...mark].map((one) => MEANINGS[one]).join("; ") || null;
}

// A column of a table whose figures have marks: what is unknown has none, and is sorted last.
function markedColumn(label, number, mark, more) {
  return { label, number: (row) => (mark(row) === UNKNOWN ? null : number(row)), mark, text: formatNs, ...more };
}
