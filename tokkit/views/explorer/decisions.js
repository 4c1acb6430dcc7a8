// What a person decides about rows: kept in the browser, downloaded as JSON lines.
const KEEP = "keep", DROP = "drop", RELABEL = "relabel";

class Decisions {
  constructor(data, changed) {
    this.data = data;
    this.changed = changed;
    this.byRow = new Map();
    this.key = "tokkit-explore-" + data.summary.fingerprint;
    this.saved = true;
    try {
      const stored = JSON.parse(localStorage.getItem(this.key) || "[]");
      for (const [row, decision] of stored) this.byRow.set(row, decision);
    } catch {
      // Some browsers store nothing for files; the download remains.
    }
    addEventListener("beforeunload", event => {
      if (!this.saved && this.byRow.size) event.preventDefault();
    });
  }

  get(row) {
    return this.byRow.get(row);
  }

  get size() {
    return this.byRow.size;
  }

  // Decides about rows; null takes a decision back.
  set(rows, decision) {
    for (const row of rows) {
      if (decision === null) this.byRow.delete(row);
      else this.byRow.set(row, {...decision});
    }
    this.saved = false;
    try {
      localStorage.setItem(this.key, JSON.stringify([...this.byRow]));
    } catch {
      // As above.
    }
    this.changed(rows);
  }

  line(row) {
    const {data} = this, decision = this.byRow.get(row);
    const whole = data.texts[row], first = data.columns.first ? data.columns.first[row] : whole.length;
    const text = data.flag(row, "no-text") ? null : whole.slice(0, first);
    const relabels = decision.decision === RELABEL;
    return JSON.stringify({
      id: data.ids ? data.ids[row] : null,
      split: data.summary.splits[data.columns.split[row]].name,
      row: data.columns.row[row],
      hash: data.hash(row),
      text,
      ...(data.columns.first ? {pair: whole.slice(first + 1)} : {}),
      label: data.value(data.label(row)),
      decision: decision.decision,
      new_label: relabels ? data.value(decision.new_label) : null,
      reason: decision.reason || null,
    });
  }

  get lines() {
    return [...this.byRow.keys()].sort((a, b) => a - b).map(row => this.line(row) + "\n").join("");
  }

  download() {
    const address = URL.createObjectURL(new Blob([this.lines], {type: "application/jsonl"}));
    make("a", {href: address, download: "decisions.jsonl"}).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
    this.saved = true;
  }

  // Takes over the decisions of a file; returns how many of its rows are in the page, and how many are not.
  load(text) {
    const {data} = this, rows = new Map();
    for (let row = 0; row < data.rows; row++) {
      const split = data.summary.splits[data.columns.split[row]].name;
      rows.set(`${split} ${data.columns.row[row]} ${data.hash(row)}`, row);
    }
    let known = 0, others = 0;
    for (const line of text.split(/\r?\n/)) {
      if (!line.trim()) continue;
      const record = JSON.parse(line), row = rows.get(`${record.split} ${record.row} ${record.hash}`);
      if (![KEEP, DROP, RELABEL].includes(record.decision)) continue;
      if (row === undefined) others++;
      else {
        const {decision, reason} = record, name = data.written(record.new_label);
        this.byRow.set(row, {decision, new_label: name, reason});
        known++;
      }
    }
    this.set([], null);
    return {known, others};
  }
}
