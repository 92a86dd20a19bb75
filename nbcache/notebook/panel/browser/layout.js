// Where the lines of the table stand: functions are few, and as high as each needs; entries are all as high as the
// highest of them that was drawn.

class Layout {
  constructor() {
    this.reset();
    this.tops = [0];
  }

  // Forget how high lines are: the table has another width.
  reset() {
    this.heights = { function: 28, entry: 28, note: 28 };
    this.own = new Map();
  }

  heightOf(line) {
    return (line.kind === "function" && this.own.get(line.key)) || this.heights[line.kind];
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

  // Take over how high the lines of each kind are: cards where it is narrow, one or two lines where it is wide.
  // Says whether anything moves.
  measure(nodes) {
    let grown = false;
    for (const [key, node] of nodes) {
      const cells = node.firstChild;
      if (node.classList.contains("nbc-note-row")) continue;
      const height = cells.offsetHeight + 1;
      const mine = node.classList.contains("nbc-function-row");
      if (mine ? Math.abs(height - (this.own.get(key) || this.heights.function)) < 0.5 : height <= this.heights.entry + 0.5) continue;
      if (mine) this.own.set(key, height);
      else this.heights.entry = height;
      grown = true;
    }
    return grown;
  }
}

