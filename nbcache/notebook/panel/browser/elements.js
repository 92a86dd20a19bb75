// How the panel makes elements of the page.

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

