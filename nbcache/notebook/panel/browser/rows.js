// What the panel's table knows, in the browser: columns, words for numbers, and the rows by search and sort.
// A part of one module, before panel.js. No dependency, no build step.

// Columns: key, title, how a function fills it, how an entry does. A title means the same for both.
const NOTHING = "–";
const COLUMNS = [
  ["name", "Function or arguments", (f) => f.label, (e) => e.arguments],
  ["size", "Size", (f) => quiet(f.size, size), (e) => quiet(e.size, size)],
  ["hits", "Hits", (f) => quiet(f.hits + f.misses, (calls) => `${count(f.hits)} of ${count(calls)}`), (e) => quiet(e.hits, count)],
  ["took", "Took", (f) => quiet(f.seconds, duration), (e) => quiet(e.seconds, duration)],
  ["saved", "Time saved", (f) => quiet(f.saved, duration), (e) => quiet(e.hits * e.seconds, duration)],
  ["used", "Last used", (f) => ago(f.used), (e) => ago(e.used)],
  ["expires", "Expires", () => "", (e) => left(e.expires)],
  ["state", "State", (f) => f.states.join(", "), (e) => e.states.join(", ")],
];
const SORTS = {
  size: [(f) => f.size, (e) => e.size],
  hits: [(f) => f.hits, (e) => e.hits],
  took: [(f) => f.seconds, (e) => e.seconds],
  saved: [(f) => f.saved, (e) => e.hits * e.seconds],
  used: [(f) => f.used, (e) => e.used],
  expires: [() => null, (e) => e.expires],
  state: [(f) => f.states.join(), (e) => e.states.join()],
};
let clockOffset = 0; // seconds that the kernel's clock is ahead
const now = () => Date.now() / 1000 + clockOffset;
const count = (number) => number.toLocaleString("en-US");
const many = (number, one, more) => `${count(number)} ${number === 1 ? one : more}`;

const quiet = (number, say) => (number > 0 ? say(number) : NOTHING);
const says = (column, text) => text !== "" && text !== NOTHING && !(column === "expires" && text === "never");

// The tiers that hold something are one chip, whatever else is to be said one each.
const TIERS = ["memory", "disk", "shared"];
const chips = (states) => [states.filter((state) => TIERS.includes(state)).join(", "), ...states.filter((state) => !TIERS.includes(state))]
  .filter(Boolean).map((state) => make("span", "nbc-chip", state, { "data-state": state }));

// Order names as the kernel does: functions before cells, numbers inside them by value, f(2) before f(10).
function compareNames(a, b) {
  if (Boolean(a.cell) !== Boolean(b.cell)) return a.cell ? 1 : -1;
  const [x, y] = [pieces(a), pieces(b)];
  for (let at = 0; at < x.length && at < y.length; at += 1) {
    if (x[at] === y[at]) continue;
    if (at % 2 === 1 && x[at].length !== y[at].length) return x[at].length - y[at].length;
    return x[at] < y[at] ? -1 : 1;
  }
  return x.length - y.length;
}

function pieces(row) {
  if (!row.pieces) row.pieces = row.label.toLowerCase().split(/0*([0-9]+)/);
  return row.pieces;
}

function size(amount) {
  let unit = 0;
  while (amount >= 999.5 && unit < 4) { amount /= 1024; unit += 1; }
  return `${amount.toFixed(unit === 0 || amount >= 9.95 ? 0 : 1)} ${["B", "KB", "MB", "GB", "TB"][unit]}`;
}

function duration(seconds) {
  if (seconds <= 0) return "0 s";
  if (seconds < 0.0005) return "< 1 ms";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [big, bigName, small, smallName] =
    whole < 3600 ? [60, "min", 1, "s"] : whole < 86400 ? [3600, "h", 60, "min"] : [86400, "d", 3600, "h"];
  const rest = Math.floor((whole % big) / small);
  return `${Math.floor(whole / big)} ${bigName}` + (rest ? ` ${rest} ${smallName}` : "");
}

function coarse(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86400)} days`;
}

function ago(then) {
  if (then === null) return "never";
  const past = now() - then;
  return past < 2 ? "just now" : `${coarse(past)} ago`;
}

function left(until) {
  if (until === null) return "never";
  return until <= now() ? "expired" : `in ${coarse(until - now())}`;
}

function percent(part, whole) {
  if (!whole) return "–";
  return `${part < whole ? Math.min(Math.round((100 * part) / whole), 99) : 100} %`;
}

// ---- what is known: rows of functions, entries of opened ones, search and sort --------------------------------------

class Rows {
  constructor() {
    this.functions = [];
    this.opened = new Set();
    this.entries = new Map();
    this.found = new Map(); // what the kernel found in closed functions
    this.query = "";
    this.sort = ["name", false];
  }

  readFunctions(rows) {
    this.functions = rows.map(([name, label, entries, bytes, hits, misses, saved, used, states, seconds, code]) => (
      { name, label, entries, size: bytes, hits, misses, saved, used, states, seconds, code, cell: name.startsWith("cell ") }));
  }

  readFound({ names }, buffers) {
    this.found = new Map(names.map((name, at) => [name, this.unpacked(name, buffers[at], new Map())]));
  }

  readEntries({ name, whole, gone }, buffer) {
    const held = whole ? new Map() : this.entries.get(name) || new Map();
    for (const id of gone) held.delete(id);
    this.entries.set(name, this.unpacked(name, buffer, held));
  }

  unpacked(name, buffer, held) {
    const packed = JSON.parse(new TextDecoder().decode(buffer));
    const row = this.functions.find((each) => each.name === name);
    packed.id.forEach((id, at) => held.set(id, {
      id,
      arguments: packed.arguments[at],
      label: packed.labels[at] || `${row ? row.label : name}(${packed.arguments[at]})`,
      size: packed.size[at],
      created: packed.base + packed.created[at],
      used: packed.base + packed.used[at],
      expires: packed.expires[at] === null ? null : packed.base + packed.expires[at],
      hits: packed.hits[at],
      seconds: packed.seconds[at],
      states: packed.states[packed.state[at]],
    }));
    return held;
  }

  sorted(rows, level) {
    const [column, descending] = this.sort;
    const sign = descending ? -1 : 1;
    if (column === "name") return rows.sort((a, b) => sign * compareNames(a, b));
    const value = SORTS[column][level];
    return rows.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === y) return compareNames(a, b);
      if (x === null || y === null) return x === null ? 1 : -1;
      return x < y ? -sign : sign;
    });
  }

  // Lines in the order of drawing; `parent` is the place of an entry's function.
  lines() {
    const drawn = [];
    for (const row of this.sorted([...this.functions], 0)) {
      const opened = this.opened.has(row.name);
      const named = row.label.toLowerCase().includes(this.query);
      const held = opened ? this.entries.get(row.name) : named ? undefined : this.found.get(row.name);
      let found = held ? [...held.values()] : [];
      if (!named) found = found.filter((entry) => entry.label.toLowerCase().includes(this.query));
      if (!named && !found.length) continue;
      const parent = drawn.length;
      drawn.push({ kind: "function", key: `f${row.name}`, row, opened: opened || found.length > 0 });
      if (opened && !found.length) {
        const note = held ? `No entries yet. The next call of ${row.label} adds an entry.` : "Loading…";
        drawn.push({ kind: "note", key: `n${row.name}`, row, note });
        continue;
      }
      for (const entry of this.sorted(found, 1)) drawn.push({ kind: "entry", key: `e${entry.id}`, row, entry, parent });
    }
    return drawn;
  }
}
