// The line under the table: what happened, and for some seconds the way back.

class Notice {
  constructor(table) {
    this.table = table;
    this.line = make("div", "nbc-notice", "", { role: "status", "aria-live": "polite" });
    this.undo = button("Undo", "");
    this.undo.hidden = true;
    this.undo.addEventListener("click", () => this.takeBack());
    this.foot = make("div", "nbc-foot");
    this.foot.append(this.line, this.undo);
    table.el.addEventListener("keydown", (event) => this.pressed(event));
  }

  // Ctrl Z, unless it is for the text in the search field.
  pressed(event) {
    const typing = event.target === this.table.search && this.table.search.value;
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || this.undo.hidden || typing) return;
    event.preventDefault();
    event.stopPropagation();
    this.takeBack();
  }

  // Say what happened; what is no error goes away after some seconds, and with it the chance to undo.
  say(text, { error = false, undo = false, seconds = 0 } = {}) {
    clearTimeout(this.fading);
    if (!undo && document.activeElement === this.undo) this.table.search.focus();
    this.undo.hidden = !undo;
    this.undo.title = undo ? `Undo: ${text} (Ctrl Z)` : "";
    this.line.classList.toggle("nbc-error", error);
    this.line.setAttribute("role", error ? "alert" : "status");
    this.line.textContent = error ? `⚠ Error: ${text}` : text;
    if (seconds) this.fading = setTimeout(() => this.say(""), seconds * 1000);
  }

  takeBack() {
    if (document.activeElement === this.undo) this.table.search.focus();
    this.undo.hidden = true;
    this.table.send("undo", {}, "undo");
  }
}

