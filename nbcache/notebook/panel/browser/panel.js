// The browser's half of the panel: a virtual table. Search, sort and scrolling never ask the kernel, so they work
// while it is busy; opening and clearing do, and say that they wait. Last part of one module, after rows.js
// and keys.js.

const OVERSCAN = 6;
const SLOW_MS = 600;
const ANSWER_MS = 5000;

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
    this.height = 28;
    this.answeredAt = 0;
    this.build(el);
  }

  build(el) {
    el.classList.add("nbcache-panel", "nbc-table");
    this.el = el;
    this.figures = make("div", "nbc-figures");
    this.search = make("input", "nbc-search", "", { type: "search", placeholder: "Search", "data-lm-suppress-shortcuts": "true",
      "aria-label": "Search functions, and the calls of opened ones" });
    this.search.addEventListener("input", () => { this.rows.query = this.search.value.trim().toLowerCase(); this.arrange(true); });
    this.inside = button("Search inside closed functions", "");
    this.inside.addEventListener("click", () => this.rows.closed.forEach((row) => this.open(row.name)));
    this.tools = make("div", "nbc-tools");
    this.tools.append(this.search, this.inside);
    this.question = make("div", "nbc-tools nbc-push");
    this.tools.append(this.question);
    this.grid = make("div", "nbc-grid", "", { role: "treegrid", "aria-label": "Cached functions", "aria-colcount": "9" });
    this.head = make("div", "nbc-head", "", { role: "rowgroup" });
    this.head.append(this.titles());
    this.body = make("div", "nbc-body", "", { role: "rowgroup" });
    this.grid.append(this.head, this.body);
    this.empty = make("div", "nbc-empty");
    this.notice = make("div", "nbc-notice", "", { role: "status", "aria-live": "polite" });
    this.el.append(this.figures, this.tools, this.grid, this.empty, this.notice);
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

  // "Clear all…", or in its place the question that it asks.
  offer(asking = false, focus = false) {
    const scope = this.scope();
    if (!asking) {
      const ask = button("Clear all…", `Clear ${scope}`);
      ask.disabled = !(this.totals && this.totals.entries) || this.dead;
      ask.addEventListener("click", () => this.offer(true, true));
      this.question.replaceChildren(ask);
      if (focus) ask.focus();
      this.asking = false;
      return;
    }
    const really = button("Clear all", `Really clear ${scope}`, "nbc-button nbc-danger");
    const keep = button("Keep", "Keep everything");
    really.addEventListener("click", () => {
      this.send("all", { name: this.owner || null });
      this.offer(false, true);
    });
    keep.addEventListener("click", () => this.offer(false, true));
    this.question.onkeydown = (event) => { if (event.key === "Escape" && this.asking) this.offer(false, true); };
    const text = make("span", "nbc-question", `Clear ${scope}?`, { role: "alert" });
    this.question.replaceChildren(text, really, keep);
    this.asking = true;
    if (focus) keep.focus();
  }

  scope() {
    const entries = many(this.totals ? this.totals.entries : 0, "entry", "entries");
    const owner = this.owner && this.rows.functions.find((row) => row.name === this.owner);
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
      this.rows.readFunctions(message.functions);
      if (first && this.owner) this.open(this.owner);
      this.drawFigures();
      if (!this.asking && !this.question.contains(document.activeElement)) this.offer();
      if (message.error) this.say(message.text, true);
    } else if (message.type === "entries") {
      this.rows.readEntries(message, buffers[0]);
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

  send(key, what) {
    const request = (this.requests += 1);
    const slow = setTimeout(() => this.say("Waiting for the kernel, which is busy: this will be cleared as soon as it can."), SLOW_MS);
    this.pending.set(key, { request, slow });
    this.model.send({ type: "clear", request, ...what });
    this.draw();
  }

  finish({ request, text, error }) {
    for (const [key, waiting] of this.pending) {
      if (waiting.request !== request) continue;
      clearTimeout(waiting.slow);
      this.pending.delete(key);
    }
    this.say(text, error);
  }

  say(text, error = false) {
    this.notice.classList.toggle("nbc-error", error);
    this.notice.setAttribute("role", error ? "alert" : "status");
    this.notice.textContent = error ? `⚠ Error: ${text}` : text;
  }

  alive(yes) {
    if (yes === !this.dead) return;
    this.dead = !yes;
    this.el.classList.toggle("nbc-dead", this.dead);
    if (this.dead) {
      this.pending.forEach((waiting) => clearTimeout(waiting.slow));
      this.pending.clear();
      this.say("The kernel of this panel is gone: run the cell again.", true);
    }
    this.offer();
    this.arrange();
  }

  // ---- drawing ------------------------------------------------------------------------------------------------------

  drawFigures() {
    const t = this.totals;
    const shown = [["Entries", count(t.entries)]];
    if (this.owner) shown.push(["Size", size(t.memory)]);
    else shown.push(["Memory", size(t.memory)], ["Disk", size(t.disk), t.limit ? `of ${size(t.limit)}` : ""]);
    if (t.shared) shown.push(["Shared", t.shared]);
    shown.push(["Hit rate", percent(t.hits, t.hits + t.misses), `${many(t.hits, "hit", "hits")}, ${many(t.misses, "miss", "misses")}`]);
    shown.push(["Time saved", duration(t.saved)]);
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
    this.narrow = getComputedStyle(this.grid).getPropertyValue("--nbc-narrow").trim() === "1";
    this.lines = this.rows.lines(!this.narrow);
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
    this.inside.hidden = !this.rows.query || !this.rows.closed.length;
    this.empty.hidden = some || !this.totals;
    if (!some && this.totals) this.drawEmpty();
    this.draw();
  }

  drawEmpty() {
    if (this.rows.query) {
      this.empty.replaceChildren(`Nothing matches “${this.search.value.trim()}”.`);
    } else if (this.owner) {
      this.empty.replaceChildren(`${this.owner} has no entries yet: its next call adds one.`);
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
    this.body.style.height = `${this.lines.length * this.height}px`;
    const first = Math.max(0, Math.floor(this.grid.scrollTop / this.height) - OVERSCAN);
    const last = Math.min(this.lines.length, first + Math.ceil((this.grid.clientHeight || 400) / this.height) + 2 * OVERSCAN);
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
    node.style.transform = `translateY(${at * this.height}px)`;
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
    for (const [column, over, inside] of COLUMNS) {
      const title = line.kind === "function" ? over : inside;
      const cell = make("span", `nbc-${column}`, "", { role: line.kind === "titles" ? "columnheader" : "gridcell" });
      if (column !== "name") cell.dataset.title = title;
      if (line.kind === "titles") cell.textContent = title;
      if (column === "name" && line.kind === "function") {
        const toggle = button("", "", "nbc-button nbc-plain nbc-toggle");
        toggle.append(make("span", "nbc-arrow", "", { "aria-hidden": "true" }), make("span", "nbc-label"));
        cell.append(toggle);
      }
      cells.append(cell);
    }
    const act = make("span", "nbc-act", "", { role: "gridcell" });
    if (line.kind !== "titles") act.append(button("Clear", "", "nbc-button nbc-clear"));
    node.append(cells, act);
    return node;
  }

  fill(node, line) {
    if (line.kind === "titles") return;
    if (line.kind === "note") { node.firstChild.textContent = line.note; return; }
    const subject = line.entry || line.row;
    const cells = node.firstChild.children;
    COLUMNS.forEach(([column, , , ofFunction, ofEntry], at) => {
      const text = line.entry ? ofEntry(subject) : ofFunction(subject);
      const cell = cells[at];
      if (cell.dataset.said === text) return;
      cell.dataset.said = text;
      if (column === "state") cell.replaceChildren(...subject.states.map((state) => make("span", "nbc-chip", state, { "data-state": state })));
      else if (column === "name" && !line.entry) cell.querySelector(".nbc-label").textContent = text;
      else cell.textContent = text;
      if (column === "name") cell.title = text;
    });
    if (!line.entry) {
      const toggle = node.querySelector(".nbc-toggle");
      toggle.setAttribute("aria-expanded", String(line.opened));
      node.setAttribute("aria-expanded", String(line.opened));
      toggle.firstChild.textContent = line.opened ? "▾" : "▸";
    }
    const clear = node.querySelector(".nbc-clear");
    const waiting = this.pending.has(line.key) || this.pending.has("all") || this.pending.has(`f${line.row.name}`);
    clear.textContent = waiting ? "Clearing…" : "Clear";
    clear.classList.toggle("nbc-waiting", waiting);
    clear.setAttribute("aria-disabled", String(waiting || Boolean(this.dead)));
    clear.setAttribute("aria-label", `${waiting ? "Clearing" : "Clear"} ${subject.label}`);
    clear.hidden = !line.entry && !line.row.entries;
  }

  // All rows are as high as the highest one drawn: cards where it is narrow, lines where it is wide.
  measure() {
    const cells = this.body.querySelectorAll(".nbc-function, .nbc-entry");
    const height = Math.max(0, ...[...cells].map((each) => each.offsetHeight + 1));
    if (height > 10 && Math.abs(height - this.height) > 0.5) {
      this.height = height;
      this.el.style.setProperty("--nbc-row", `${height}px`);
      this.draw();
    }
  }

  clicked(event) {
    const target = event.target.closest("button");
    const node = event.target.closest(".nbc-row");
    const line = target && this.lines.find((each) => each.key === node.dataset.key);
    if (!line) return;
    if (target.classList.contains("nbc-toggle")) this.toggle(line);
    else if (target.getAttribute("aria-disabled") !== "true") {
      this.send(line.key, { name: line.row.name, ...(line.entry ? { id: line.entry.id } : {}) });
    }
  }

  toggle(line) {
    if (!line.opened) { this.open(line.row.name); return; }
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
  const resized = new ResizeObserver(() => table.arrange());
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
