// The keyboard in the rows of the panel's table: one row is in the order of Tab, arrows go from row to row.
// A part of one module, before panel.js.

class Keyboard {
  constructor(table) {
    this.table = table;
  }

  // Let Tab reach the current row only, or the first one in sight.
  rove() {
    if (!this.table.current) {
      const at = this.table.layout.at(this.table.grid.scrollTop);
      const line = this.table.lines.slice(at).find((each) => each.kind === "function" || each.kind === "entry");
      this.table.current = line ? line.key : null;
    }
    for (const [key, node] of this.table.nodes) {
      for (const each of node.querySelectorAll("button")) each.tabIndex = key === this.table.current ? 0 : -1;
    }
  }

  // Give the focus to the row that took the place of one that went away.
  refocus(at, part = ".nbc-clear") {
    const lines = this.table.lines;
    let to = Math.min(Math.max(0, at), lines.length - 1);
    while (to > 0 && lines[to].kind !== "function" && lines[to].kind !== "entry") to -= 1;
    if (to >= 0) this.focusRow(to, part);
    else this.table.search.focus();
  }

  focusRow(at, part) {
    const top = this.table.layout.tops[at];
    const height = this.table.layout.tops[at + 1] - top;
    const room = this.table.grid.clientHeight - this.table.head.offsetHeight - height;
    if (top < this.table.grid.scrollTop) this.table.grid.scrollTop = top;
    else if (top > this.table.grid.scrollTop + room) this.table.grid.scrollTop = top - room;
    this.table.current = this.table.lines[at].key;
    this.table.draw();
    const node = this.table.nodes.get(this.table.current);
    if (!node) return;
    const wished = node.querySelector(part);
    (wished && !wished.hidden ? wished : node.querySelector("button:not([hidden])"))?.focus({ preventScroll: true });
  }

  pressed(event) {
    const node = event.target.closest(".nbc-row");
    if (!node || event.altKey) return;
    if (event.ctrlKey || event.metaKey) { this.copy(event, node); return; }
    const at = this.table.lines.findIndex((line) => line.key === node.dataset.key);
    const line = this.table.lines[at];
    if (!line) return;
    const part = event.target.classList.contains("nbc-toggle") ? ".nbc-toggle" : ".nbc-clear";
    const page = Math.max(1, Math.floor(this.table.grid.clientHeight / node.offsetHeight) - 2);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (step) {
      let to = Math.min(Math.max(0, at + step), this.table.lines.length - 1);
      const sign = step > 0 ? 1 : -1;
      while (this.table.lines[to] && this.table.lines[to].kind === "note") to += sign;
      if (this.table.lines[to]) this.focusRow(to, part);
    } else if (event.key === "ArrowRight") {
      if (part === ".nbc-toggle" && !line.opened) this.table.toggle(line);
      else this.focusRow(at, ".nbc-clear");
    } else if (event.key === "ArrowLeft") {
      if (line.entry) this.focusRow(line.parent, ".nbc-toggle");
      else if (part === ".nbc-clear") this.focusRow(at, ".nbc-toggle");
      else if (line.opened) this.table.toggle(line);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  // Ctrl C copies the call of the row that has the focus, unless some text is selected.
  copy(event, node) {
    const line = this.table.lines.find((each) => each.key === node.dataset.key);
    if (event.key.toLowerCase() !== "c" || !line || String(window.getSelection()) || !navigator.clipboard) return;
    const text = line.entry ? line.entry.label : line.row.code || line.row.label;
    navigator.clipboard.writeText(text).then(() => this.table.say(`Copied ${text}`, { seconds: 4 }));
    event.preventDefault();
    event.stopPropagation();
  }
}
