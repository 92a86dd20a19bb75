// The browser's half of the panel: a virtual table. Sort, scrolling, and search in what it has never ask the kernel,
// so they work while it is busy; opening, clearing, and search in closed functions do. Last part of one module.

const OVERSCAN = 6;
const SLOW_MS = 600;
const ANSWER_MS = 5000;
const TYPING_MS = 150;

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
    this.layout = new Layout();
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
    this.question = new Question(this);
    this.tools.append(this.question.place);
    this.grid = make("div", "nbc-grid", "", { role: "treegrid", "aria-label": "Cached functions", "aria-colcount": "9" });
    this.head = make("div", "nbc-head", "", { role: "rowgroup" });
    this.head.append(this.titles());
    this.body = make("div", "nbc-body", "", { role: "rowgroup" });
    this.grid.append(this.head, this.body);
    this.empty = make("div", "nbc-empty");
    this.notice = new Notice(this);
    this.el.append(this.figures, this.tools, this.grid, this.empty, this.notice.foot);
    this.grid.addEventListener("scroll", () => this.draw());
    this.body.addEventListener("click", (event) => this.clicked(event));
    this.body.addEventListener("keydown", (event) => this.keyboard.pressed(event));
    this.body.addEventListener("focusin", (event) => {
      const node = event.target.closest(".nbc-row");
      if (node) { this.current = node.dataset.key; this.keyboard.rove(); }
    });
    this.question.offer();
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

  ownerRow() {
    return this.owner && this.rows.functions.find((row) => row.name === this.owner);
  }

  // Search at once in what is here, and a moment after the last key in everything.
  searched() {
    this.rows.query = this.search.value.trim().toLowerCase();
    this.looking = Boolean(this.rows.query);
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.model.send({ type: "search", text: this.rows.query }), TYPING_MS);
    this.arrange(true);
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
      this.question.offered();
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
    const slow = setTimeout(() => this.say("The kernel is busy. This will be done as soon as it is free."), SLOW_MS);
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

  say(text, options) {
    this.notice.say(text, options);
  }

  alive(yes) {
    if (yes === !this.dead) return;
    this.dead = !yes;
    this.el.classList.toggle("nbc-dead", this.dead);
    if (this.dead) {
      this.pending.forEach((waiting) => clearTimeout(waiting.slow));
      this.pending.clear();
      this.say("The kernel of this panel has stopped. Run the cell again.", { error: true });
    }
    this.question.offer();
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
    this.layout.place(this.lines);
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

  resized() {
    if (this.width === this.el.clientWidth) return;
    this.width = this.el.clientWidth;
    this.layout.reset();
    this.arrange();
  }

  drawEmpty() {
    if (this.rows.query) {
      this.empty.replaceChildren(this.looking ? "Searching…" : `Nothing matches “${this.search.value.trim()}”.`);
    } else if (this.owner) {
      this.empty.replaceChildren(`${this.ownerRow() ? this.ownerRow().label : this.owner} has no entries yet. Its next call adds one.`);
    } else {
      this.empty.replaceChildren(
        make("strong", "", "Nothing is cached yet"),
        make("p", "", "Put @cache_data above a function and call it. Its results appear here, with a row for each set of arguments."),
        make("pre", "", "@cache_data\ndef load_data(year):\n    ...\n\nload_data(2024)"));
    }
  }

  draw() {
    const focused = document.activeElement && document.activeElement.closest ? document.activeElement.closest(".nbc-row") : null;
    const focusedKey = focused && this.body.contains(focused) ? focused.dataset.key : null;
    this.body.style.height = `${this.layout.tops[this.lines.length]}px`;
    const first = Math.max(0, this.layout.at(this.grid.scrollTop) - OVERSCAN);
    const last = Math.min(this.lines.length, this.layout.at(this.grid.scrollTop + (this.grid.clientHeight || 400)) + 1 + OVERSCAN);
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
    if (this.layout.measure(this.nodes)) {
      this.layout.place(this.lines);
      this.draw();
    }
    if (!wanted.has(this.current)) this.current = null;
    this.keyboard.rove();
    if (focusedKey && focusedAt < 0) this.keyboard.refocus(this.focusedAt);
    this.focusedAt = focusedAt;
  }

  place(key, at) {
    const line = this.lines[at];
    let node = this.nodes.get(key);
    if (!node) {
      node = createLine(line);
      this.nodes.set(key, node);
    }
    node.style.transform = `translateY(${this.layout.tops[at]}px)`;
    node.style.height = `${this.layout.heightOf(line)}px`;
    node.setAttribute("aria-rowindex", at + 2);
    fillLine(node, line, { waiting: this.isWaiting(line), dead: Boolean(this.dead) });
    return node;
  }

  isWaiting(line) {
    return [line.key, "all", `f${line.row.name}`].some((key) => this.pending.has(key));
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
      if (subject.seconds > this.askAbove) this.question.ask(subject.label, target, subject.seconds, clear, line.entry ? 0 : line.row.entries);
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
