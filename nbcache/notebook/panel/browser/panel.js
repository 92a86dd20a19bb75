// The browser's half of the panel: a virtual table. Sort, scrolling, and search in what it has never ask the kernel,
// so they work while it is busy; opening, clearing, and search in closed functions do. Last part of one module, after rows.js
// and keys.js.

const OVERSCAN = 6;
const SLOW_MS = 600;
const ANSWER_MS = 5000;
const TYPING_MS = 150;

function make(tag, classes, text = "", attributes = {}) {
  const node = document.createElement(tag);
  if (classes) node.className = classes;
  if (text) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function button(text, label, classes = "nbc-button") {
  // JupyterLab looks for the attribute on the focused element only: without it, d d would delete the cell.
  const node = make("button", classes, text, { type: "button", "data-lm-suppress-shortcuts": "true" });
  if (label) { node.setAttribute("aria-label", label); node.title = label; }
  return node;
}

// ---- the table ------------------------------------------------------------------------------------------------------

class Table {
  constructor(model, el) {
    this.model = model;
    this.rows = new Rows();
    this.nodes = new Map();
    this.pending = new Map();
    this.keyboard = new Keyboard(this);
    this.lines = [];
    this.current = null;
    this.requests = 0;
    this.heights = { function: 28, entry: 28, note: 28 };
    this.own = new Map();
    this.tops = [0];
    this.askAbove = Infinity;
    this.answeredAt = 0;
    this.build(el);
  }

  build(el) {
    el.classList.add("nbcache-panel", "nbc-table");
    this.el = el;
    this.figures = make("div", "nbc-figures");
    this.search = make("input", "nbc-search", "", { type: "search", placeholder: "Search", "data-lm-suppress-shortcuts": "true",
      "aria-label": "Search functions and arguments" });
    this.search.addEventListener("input", () => this.searched());
    this.tools = make("div", "nbc-tools");
    this.tools.append(this.search);
    this.question = make("div", "nbc-tools nbc-push");
    this.tools.append(this.question);
    this.grid = make("div", "nbc-grid", "", { role: "treegrid", "aria-label": "Cached functions", "aria-colcount": "9" });
    this.head = make("div", "nbc-head", "", { role: "rowgroup" });
    this.head.append(this.titles());
    this.body = make("div", "nbc-body", "", { role: "rowgroup" });
    this.grid.append(this.head, this.body);
    this.empty = make("div", "nbc-empty");
    this.notice = make("div", "nbc-notice", "", { role: "status", "aria-live": "polite" });
    this.undo = button("Undo", "");
    this.undo.hidden = true;
    this.undo.addEventListener("click", () => this.takeBack());
    const foot = make("div", "nbc-foot");
    foot.append(this.notice, this.undo);
    this.el.append(this.figures, this.tools, this.grid, this.empty, foot);
    this.el.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || this.undo.hidden || (event.target === this.search && this.search.value)) return;
      event.preventDefault();
      event.stopPropagation();
      this.takeBack();
    });
    this.grid.addEventListener("scroll", () => this.draw());
    this.body.addEventListener("click", (event) => this.clicked(event));
    this.body.addEventListener("keydown", (event) => this.keyboard.pressed(event));
    this.body.addEventListener("focusin", (event) => {
      const node = event.target.closest(".nbc-row");
      if (node) { this.current = node.dataset.key; this.keyboard.rove(); }
    });
    this.offer();
  }

  titles() {
    const row = make("div", "nbc-row", "", { role: "row", "aria-rowindex": "1" });
    const cells = make("div", "nbc-cells", "", { role: "presentation" });
    this.sorts = new Map();
    for (const [column, title] of COLUMNS) {
      const cell = make("span", `nbc-${column}`, "", { role: "columnheader" });
      const sort = button(title, "", "nbc-button nbc-plain");
      sort.addEventListener("click", () => this.sortBy(column));
      cell.append(sort);
      cells.append(cell);
      this.sorts.set(column, [cell, sort, title]);
    }
    const act = make("span", "nbc-act", "", { role: "columnheader" });
    act.append(make("span", "nbc-spoken", "Action"));
    row.append(cells, act);
    return row;
  }

  // "Clear all…", or in its place a question: { subject, why, act, back }.
  offer(question = null, focus = false) {
    this.question.onkeydown = (event) => { if (event.key === "Escape" && this.asking) this.answered(); };
    this.asking = question;
    if (!question) {
      const owner = this.ownerRow();
      this.clearAll = button(owner ? `Clear all of ${owner.label}…` : "Clear all…", "");
      this.clearAll.addEventListener("click", () => this.ask(this.scope(), this.clearAll, this.seconds(), () => this.send("all", { name: this.owner || null })));
      this.question.replaceChildren(this.clearAll);
      this.offered();
      return;
    }
    const really = button("Clear", `Clear ${question.subject}`, "nbc-button nbc-danger");
    const cancel = button("Cancel", `Cancel: keep ${question.subject}`);
    really.addEventListener("click", () => { this.answered(question.act); });
    cancel.addEventListener("click", () => this.answered());
    const text = make("span", "nbc-question", `Clear ${question.subject}?`, { role: "alert" });
    if (question.why) text.append(" ", make("span", "nbc-why", question.why));
    this.question.replaceChildren(text, really, cancel);
    if (focus) cancel.focus();
  }

  // What the button clears, and whether there is anything.
  offered() {
    if (this.asking || !this.clearAll) return;
    const off = !(this.totals && this.totals.entries) || Boolean(this.dead);
    if (off && document.activeElement === this.clearAll) this.search.focus();
    this.clearAll.disabled = off;
    this.clearAll.title = `Clear ${this.scope()}`;
    const owner = this.ownerRow();
    if (owner) this.clearAll.textContent = `Clear all of ${owner.label}…`;
  }

  // Ask before something is cleared, then give the focus back to where the question came from.
  ask(subject, from, seconds, act, entries = 0) {
    const took = seconds > this.askAbove ? `${duration(seconds)} to compute.` : "";
    const why = took && entries ? `${many(entries, "entry", "entries")}, ${took}` : took;
    const row = from.closest(".nbc-row");
    this.say("");
    this.offer({ subject, why, act, row: row && row.dataset.key }, true);
  }

  answered(act = null) {
    const { row } = this.asking;
    this.offer();
    const at = row ? this.lines.findIndex((line) => line.key === row) : -1;
    if (at >= 0) this.keyboard.focusRow(at, ".nbc-clear");
    else this.clearAll.focus();
    if (act) act();
  }

  ownerRow() {
    return this.owner && this.rows.functions.find((row) => row.name === this.owner);
  }

  seconds() {
    return this.rows.functions.reduce((sum, row) => sum + row.seconds, 0);
  }

  // Search at once in what is here, and a moment after the last key in everything.
  searched() {
    this.rows.query = this.search.value.trim().toLowerCase();
    this.looking = Boolean(this.rows.query);
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.model.send({ type: "search", text: this.rows.query }), TYPING_MS);
    this.arrange(true);
  }

  scope() {
    const entries = many(this.totals ? this.totals.entries : 0, "entry", "entries");
    const owner = this.ownerRow();
    return owner ? `all ${entries} of ${owner.label}` : `all ${entries}`;
  }

  // ---- messages -----------------------------------------------------------------------------------------------------

  received(message, buffers) {
    if (message.type === "overview") {
      clockOffset = message.now - Date.now() / 1000;
      const first = !this.totals;
      const [entries, memory, disk, limit, hits, misses, saved, shared] = message.totals;
      this.totals = { entries, memory, disk, limit, hits, misses, saved, shared };
      this.owner = message.owner;
      this.askAbove = message.ask;
      this.rows.readFunctions(message.functions);
      if (first && this.owner) this.open(this.owner);
      this.drawFigures();
      this.offered();
      if (message.error) this.say(message.text, { error: true });
    } else if (message.type === "entries") {
      this.rows.readEntries(message, buffers[0]);
    } else if (message.type === "found") {
      if (message.query === this.rows.query) this.looking = false;
      this.rows.readFound(message, buffers);
    } else if (message.type === "done") {
      this.finish(message);
    }
    this.alive(true);
    this.arrange();
    if (Date.now() - this.answeredAt > ANSWER_MS) {
      this.answeredAt = Date.now();
      this.model.send({ type: "seen" });
    }
  }

  open(name) {
    this.rows.opened.add(name);
    this.model.send({ type: "open", name });
    this.arrange();
  }

  send(key, what, type = "clear") {
    const request = (this.requests += 1);
    const slow = setTimeout(() => this.say("Waiting for the kernel, which is busy: this will be done as soon as it can."), SLOW_MS);
    this.pending.set(key, { request, slow });
    this.model.send({ type, request, ...what });
    this.draw();
  }

  finish({ request, text, error, undo, seconds }) {
    for (const [key, waiting] of this.pending) {
      if (waiting.request !== request) continue;
      clearTimeout(waiting.slow);
      this.pending.delete(key);
    }
    this.say(text, { error, undo, seconds: error ? 0 : seconds });
  }

  // Say what happened; what is no error goes away after some seconds, and with it the chance to undo.
  say(text, { error = false, undo = false, seconds = 0 } = {}) {
    clearTimeout(this.fading);
    if (!undo && document.activeElement === this.undo) this.search.focus();
    this.undo.hidden = !undo;
    this.undo.title = undo ? `Undo: ${text} (Ctrl Z)` : "";
    this.notice.classList.toggle("nbc-error", error);
    this.notice.setAttribute("role", error ? "alert" : "status");
    this.notice.textContent = error ? `⚠ Error: ${text}` : text;
    if (seconds) this.fading = setTimeout(() => this.say(""), seconds * 1000);
  }

  takeBack() {
    if (document.activeElement === this.undo) this.search.focus();
    this.undo.hidden = true;
    this.send("undo", {}, "undo");
  }

  alive(yes) {
    if (yes === !this.dead) return;
    this.dead = !yes;
    this.el.classList.toggle("nbc-dead", this.dead);
    if (this.dead) {
      this.pending.forEach((waiting) => clearTimeout(waiting.slow));
      this.pending.clear();
      this.say("The kernel of this panel is gone: run the cell again.", { error: true });
    }
    this.offer();
    this.arrange();
  }

  // ---- drawing ------------------------------------------------------------------------------------------------------

  drawFigures() {
    const t = this.totals;
    const shown = [["Entries", count(t.entries)]];
    if (this.owner) shown.push(["Size", quiet(t.memory, size)]);
    else shown.push(["Memory", quiet(t.memory, size)], ["Disk", t.limit ? size(t.disk) : quiet(t.disk, size), t.limit ? `of ${size(t.limit)}` : ""]);
    if (t.shared) shown.push(["Shared", t.shared]);
    shown.push(["Hit rate", percent(t.hits, t.hits + t.misses), `${many(t.hits, "hit", "hits")}, ${many(t.misses, "miss", "misses")}`]);
    shown.push(["Time saved", quiet(t.saved, duration)]);
    this.figures.replaceChildren(...shown.map(([title, value, remark]) => {
      const tile = make("div", "nbc-figure");
      tile.append(make("span", "nbc-figure-title", title), " ", make("span", "nbc-figure-value", value));
      if (remark) tile.append(" ", make("span", "nbc-figure-remark", remark));
      return tile;
    }));
  }

  sortBy(column) {
    const [current, descending] = this.rows.sort;
    this.rows.sort = [column, column === current ? !descending : column !== "name" && column !== "state"];
    this.arrange(true);
  }

  // Decide on the lines anew, after data, search or sort changed.
  arrange(top = false) {
    this.lines = this.rows.lines();
    this.layOut();
    if (top) this.grid.scrollTop = 0;
    for (const [column, [cell, sort, title]] of this.sorts) {
      const mine = this.rows.sort[0] === column;
      const descending = this.rows.sort[1];
      cell.setAttribute("aria-sort", !mine ? "none" : descending ? "descending" : "ascending");
      sort.textContent = mine ? `${title} ${descending ? "▼" : "▲"}` : title;
    }
    const some = this.lines.length > 0;
    this.grid.hidden = !some;
    this.grid.setAttribute("aria-rowcount", this.lines.length + 1);
    this.empty.hidden = some || !this.totals;
    if (!some && this.totals) this.drawEmpty();
    this.draw();
  }

  // Functions are few, and as high as each needs; entries are all as high as the highest of them that was drawn.
  heightOf(line) {
    return (line.kind === "function" && this.own.get(line.key)) || this.heights[line.kind];
  }

  layOut() {
    this.tops = new Float64Array(this.lines.length + 1);
    this.lines.forEach((line, at) => { this.tops[at + 1] = this.tops[at] + this.heightOf(line); });
  }

  // The line at a height.
  at(y) {
    let [low, high] = [0, Math.max(0, this.lines.length - 1)];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  resized() {
    if (this.width === this.el.clientWidth) return;
    this.width = this.el.clientWidth;
    this.heights = { function: 28, entry: 28, note: 28 };
    this.own.clear();
    this.arrange();
  }

  drawEmpty() {
    if (this.rows.query) {
      this.empty.replaceChildren(this.looking ? "Searching…" : `Nothing matches “${this.search.value.trim()}”.`);
    } else if (this.owner) {
      this.empty.replaceChildren(`${this.ownerRow() ? this.ownerRow().label : this.owner} has no entries yet: its next call adds one.`);
    } else {
      this.empty.replaceChildren(
        make("strong", "", "Nothing is cached yet"),
        make("p", "", "Put @cache_data above a function and call it; its results appear here, one row per set of arguments."),
        make("pre", "", "@cache_data\ndef load_data(year):\n    ...\n\nload_data(2024)"));
    }
  }

  draw() {
    const focused = document.activeElement && document.activeElement.closest ? document.activeElement.closest(".nbc-row") : null;
    const focusedKey = focused && this.body.contains(focused) ? focused.dataset.key : null;
    this.body.style.height = `${this.tops[this.lines.length]}px`;
    const first = Math.max(0, this.at(this.grid.scrollTop) - OVERSCAN);
    const last = Math.min(this.lines.length, this.at(this.grid.scrollTop + (this.grid.clientHeight || 400)) + 1 + OVERSCAN);
    const wanted = new Map();
    for (let at = first; at < last; at += 1) wanted.set(this.lines[at].key, at);
    const focusedAt = focusedKey ? this.lines.findIndex((line) => line.key === focusedKey) : -1;
    if (focusedAt >= 0) wanted.set(focusedKey, focusedAt);
    for (const [key, node] of this.nodes) {
      if (wanted.has(key)) continue;
      node.remove();
      this.nodes.delete(key);
    }
    // In the order of reading, without moving a node that stands right: moving one would take its focus away.
    let cursor = this.body.firstChild;
    for (const [key, at] of [...wanted].sort((a, b) => a[1] - b[1])) {
      const node = this.place(key, at);
      if (node === cursor) cursor = cursor.nextSibling;
      else this.body.insertBefore(node, cursor);
    }
    this.measure();
    if (!wanted.has(this.current)) this.current = null;
    this.keyboard.rove();
    if (focusedKey && focusedAt < 0) this.keyboard.refocus(this.focusedAt);
    this.focusedAt = focusedAt;
  }

  place(key, at) {
    const line = this.lines[at];
    let node = this.nodes.get(key);
    if (!node) {
      node = this.create(line);
      this.nodes.set(key, node);
    }
    node.style.transform = `translateY(${this.tops[at]}px)`;
    node.style.height = `${this.heightOf(line)}px`;
    node.setAttribute("aria-rowindex", at + 2);
    this.fill(node, line);
    return node;
  }

  create(line) {
    const node = make("div", `nbc-row nbc-${line.kind}-row`, "", { role: "row", "data-key": line.key });
    node.setAttribute("aria-level", line.kind === "function" ? "1" : "2");
    if (line.kind === "note") {
      node.append(make("span", "nbc-note", line.note, { role: "gridcell" }));
      return node;
    }
    const cells = make("div", `nbc-cells nbc-${line.kind}`, "", { role: "presentation" });
    for (const [column, title] of COLUMNS) {
      const cell = make("span", `nbc-${column}`, "", { role: "gridcell" });
      if (column !== "name") cell.dataset.title = title;
      if (column === "name" && line.kind === "function") {
        const toggle = button("", "", "nbc-button nbc-plain nbc-toggle");
        toggle.append(make("span", "nbc-arrow", "", { "aria-hidden": "true" }), make("span", "nbc-label"));
        cell.append(toggle, make("span", "nbc-count"));
      } else if (column === "name") {
        cell.append(make("span", "nbc-words"));
      }
      cells.append(cell);
    }
    const act = make("span", "nbc-act", "", { role: "gridcell" });
    act.append(button("Clear", "", "nbc-button nbc-clear"));
    node.append(cells, act);
    return node;
  }

  fill(node, line) {
    if (line.kind === "note") { node.firstChild.textContent = line.note; return; }
    const subject = line.entry || line.row;
    const cells = node.firstChild.children;
    COLUMNS.forEach(([column, , ofFunction, ofEntry], at) => {
      const text = line.entry ? ofEntry(subject) : ofFunction(subject);
      const cell = cells[at];
      if (cell.dataset.said === text) return;
      cell.dataset.said = text;
      cell.classList.toggle("nbc-zero", !says(column, text));
      if (column === "state") cell.replaceChildren(...chips(subject.states));
      else if (column === "name") cell.querySelector(line.entry ? ".nbc-words" : ".nbc-label").textContent = text;
      else cell.textContent = text;
    });
    const tooltip = line.entry ? subject.label : subject.code || subject.label;
    if (cells[0].title !== tooltip) cells[0].title = tooltip;
    if (!line.entry) cells[0].querySelector(".nbc-count").textContent = subject.entries ? many(subject.entries, "entry", "entries") : "no entries";
    if (!line.entry) {
      const toggle = node.querySelector(".nbc-toggle");
      toggle.setAttribute("aria-expanded", String(line.opened));
      node.setAttribute("aria-expanded", String(line.opened));
      toggle.firstChild.textContent = line.opened ? "▾" : "▸";
    }
    const clear = node.querySelector(".nbc-clear");
    const waiting = this.pending.has(line.key) || this.pending.has("all") || this.pending.has(`f${line.row.name}`);
    clear.textContent = waiting ? "Clearing" : "Clear";
    clear.classList.toggle("nbc-waiting", waiting);
    clear.setAttribute("aria-disabled", String(waiting || Boolean(this.dead)));
    clear.setAttribute("aria-label", `${waiting ? "Clearing" : "Clear"} ${subject.label}`);
    const hidden = !line.entry && !line.row.entries;
    if (hidden && document.activeElement === clear) node.querySelector(".nbc-toggle").focus({ preventScroll: true });
    clear.hidden = hidden;
  }

  // Take over how high the lines of each kind are: cards where it is narrow, one or two lines where it is wide.
  measure() {
    let grown = false;
    for (const [key, node] of this.nodes) {
      const cells = node.firstChild;
      if (node.classList.contains("nbc-note-row")) continue;
      const height = cells.offsetHeight + 1;
      const mine = node.classList.contains("nbc-function-row");
      if (mine ? Math.abs(height - (this.own.get(key) || this.heights.function)) < 0.5 : height <= this.heights.entry + 0.5) continue;
      if (mine) this.own.set(key, height);
      else this.heights.entry = height;
      grown = true;
    }
    if (!grown) return;
    this.layOut();
    this.draw();
  }

  clicked(event) {
    const target = event.target.closest("button");
    const node = event.target.closest(".nbc-row");
    const line = target && this.lines.find((each) => each.key === node.dataset.key);
    if (!line) return;
    if (target.classList.contains("nbc-toggle")) this.toggle(line);
    else if (target.getAttribute("aria-disabled") !== "true") {
      const subject = line.entry || line.row;
      const clear = () => this.send(line.key, { name: line.row.name, ...(line.entry ? { id: line.entry.id } : {}) });
      if (subject.seconds > this.askAbove) this.ask(subject.label, target, subject.seconds, clear, line.entry ? 0 : line.row.entries);
      else clear();
    }
  }

  toggle(line) {
    if (!this.rows.opened.has(line.row.name)) { this.open(line.row.name); return; }
    this.rows.opened.delete(line.row.name);
    this.rows.entries.delete(line.row.name);
    this.model.send({ type: "close", name: line.row.name });
    this.arrange();
  }
}

// ---- the doors ------------------------------------------------------------------------------------------------------

function initialize({ model }) {
  model.send({ type: "ready" });
}

function render({ model, el }) {
  const table = new Table(model, el);
  const receive = (message, buffers) => table.received(message, buffers);
  const comm = () => setTimeout(() => table.alive(!el.closest(".jupyter-widgets-disconnected")), 0);
  model.on("msg:custom", receive);
  model.on("comm_live_update", comm);
  const resized = new ResizeObserver(() => table.resized());
  resized.observe(el);
  let told = null;
  let onScreen = true;
  const tell = () => {
    const on = onScreen && document.visibilityState === "visible";
    if (on !== told && !table.dead) model.send({ type: "visible", on: (told = on) });
  };
  const seen = new IntersectionObserver((changes) => { onScreen = changes[changes.length - 1].isIntersecting; tell(); });
  seen.observe(el);
  document.addEventListener("visibilitychange", tell);
  const ticking = setInterval(() => { if (told) table.draw(); }, 10000);
  model.send({ type: "hello" });
  return () => {
    model.off("msg:custom", receive);
    model.off("comm_live_update", comm);
    resized.disconnect();
    seen.disconnect();
    clearInterval(ticking);
    document.removeEventListener("visibilitychange", tell);
    if (told && !table.dead) model.send({ type: "visible", on: false });
  };
}

export default { initialize, render };
