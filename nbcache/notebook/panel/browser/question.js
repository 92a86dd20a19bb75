// "Clear all…" above the table, and in its place a question before what cost much is cleared.

class Question {
  constructor(table) {
    this.table = table;
    this.place = make("div", "nbc-tools nbc-push");
  }

  // The button, or a question: { subject, why, act, row }, where `row` gets the focus back.
  offer(question = null, focus = false) {
    this.place.onkeydown = (event) => { if (event.key === "Escape" && this.asking) this.answered(); };
    this.asking = question;
    if (!question) {
      const owner = this.table.ownerRow();
      this.clearAll = button(owner ? `Clear all of ${owner.label}…` : "Clear all…", "");
      this.clearAll.addEventListener("click", () => this.ask(this.scope(), this.clearAll, this.seconds(), () => this.table.send("all", { name: this.table.owner || null })));
      this.place.replaceChildren(this.clearAll);
      this.offered();
      return;
    }
    const really = button("Clear", `Clear ${question.subject}`, "nbc-button nbc-danger");
    const cancel = button("Cancel", `Cancel: keep ${question.subject}`);
    really.addEventListener("click", () => { this.answered(question.act); });
    cancel.addEventListener("click", () => this.answered());
    const text = make("span", "nbc-question", `Clear ${question.subject}?`, { role: "alert" });
    if (question.why) text.append(" ", make("span", "nbc-why", question.why));
    this.place.replaceChildren(text, really, cancel);
    if (focus) cancel.focus();
  }

  // What the button clears, and whether there is anything.
  offered() {
    if (this.asking || !this.clearAll) return;
    const off = !(this.table.totals && this.table.totals.entries) || Boolean(this.table.dead);
    if (off && document.activeElement === this.clearAll) this.table.search.focus();
    this.clearAll.disabled = off;
    this.clearAll.title = `Clear ${this.scope()}`;
    const owner = this.table.ownerRow();
    if (owner) this.clearAll.textContent = `Clear all of ${owner.label}…`;
  }

  // Ask before something is cleared, then give the focus back to where the question came from.
  ask(subject, from, seconds, act, entries = 0) {
    const took = seconds > this.table.askAbove ? `${duration(seconds)} to compute.` : "";
    const why = took && entries ? `${many(entries, "entry", "entries")}, ${took}` : took;
    const row = from.closest(".nbc-row");
    this.table.say("");
    this.offer({ subject, why, act, row: row && row.dataset.key }, true);
  }

  answered(act = null) {
    const { row } = this.asking;
    this.offer();
    const at = row ? this.table.lines.findIndex((line) => line.key === row) : -1;
    if (at >= 0) this.table.keyboard.focusRow(at, ".nbc-clear");
    else this.clearAll.focus();
    if (act) act();
  }

  seconds() {
    return this.table.rows.functions.reduce((sum, row) => sum + row.seconds, 0);
  }

  scope() {
    const entries = many(this.table.totals ? this.table.totals.entries : 0, "entry", "entries");
    const owner = this.table.ownerRow();
    return owner ? `all ${entries} of ${owner.label}` : `all ${entries}`;
  }
}

