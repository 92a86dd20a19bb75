// One line of the table as elements: a function, an entry, or a note.

function createLine(line) {
  const node = make("div", `nbc-row nbc-${line.kind}-row`, "", { role: "row", "data-key": line.key, "data-owner": line.row.name });
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

// Put into a line what it shows now.
//   waiting: whether it is being cleared; dead: whether the kernel is gone
function fillLine(node, line, { waiting, dead }) {
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
  clear.textContent = waiting ? "Clearing" : "Clear";
  clear.classList.toggle("nbc-waiting", waiting);
  clear.setAttribute("aria-disabled", String(waiting || dead));
  clear.setAttribute("aria-label", `${waiting ? "Clearing" : "Clear"} ${subject.label}`);
  const hidden = !line.entry && !line.row.entries;
  if (hidden && document.activeElement === clear) node.querySelector(".nbc-toggle").focus({ preventScroll: true });
  clear.hidden = hidden;
}

