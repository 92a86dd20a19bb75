// Where the lines of the table stand: functions are few, and as high as each needs; the entries of one function are all
// as high as the highest of them that was drawn.

const LINE_HEIGHT = 28;

class Layout {
  constructor() {
    this.reset();
    this.tops = [0];
  }

  // Forget how high lines are: the table has another width.
  reset() {
    this.own = new Map(); // of functions, by their keys
    this.entries = new Map(); // of the entries of a function, by its name
  }

  heightOf(line) {
    const known = line.kind === "function" ? this.own.get(line.key) : line.kind === "entry" && this.entries.get(line.row.name);
    return known || LINE_HEIGHT;
  }

  place(lines) {
    this.tops = new Float64Array(lines.length + 1);
    lines.forEach((line, at) => { this.tops[at + 1] = this.tops[at] + this.heightOf(line); });
  }

  // The line at a height.
  at(y) {
    let [low, high] = [0, Math.max(0, this.tops.length - 2)];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  // Take over how high the lines are: cards where it is narrow, one or two lines where it is wide. Says whether anything
  // moves.
  measure(nodes) {
    let grown = false;
    for (const [key, node] of nodes) {
      if (node.classList.contains("nbc-note-row")) continue;
      const height = node.firstChild.offsetHeight + 1;
      const mine = node.classList.contains("nbc-function-row");
      const [heights, at] = mine ? [this.own, key] : [this.entries, node.dataset.owner];
      const known = heights.get(at) || LINE_HEIGHT;
      if (mine ? Math.abs(height - known) < 0.5 : height <= known + 0.5) continue;
      heights.set(at, height);
      grown = true;
    }
    return grown;
  }
}

