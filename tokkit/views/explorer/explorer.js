// The page: opens its data, builds filters, list and row, and listens to keys.
const PALETTE = 8;
const DECISION_MARKS = {keep: "✓", drop: "✕", relabel: "✎"};

async function start() {
  const opened = await openColumns("columns");
  const data = dataOf(opened);
  const page = new Page(data);
  page.start();
  // What tests and curious people ask.
  window.explorer = {data, page, rows: () => Array.from(page.list.visible), opened: performance.now()};
}

// Everything that is known of the rows, by row number of the page.
function dataOf({summary, columns}) {
  const rows = columns.row.length;
  const data = {summary, columns, rows, query: null, texts: stringsOf(columns, "text")};
  data.ids = summary.ids ? stringsOf(columns, "id") : null;
  data.label = row => columns.label[row] ? summary.labels[columns.label[row] - 1] : null;
  data.predicted = row => columns.predicted[row] ? summary.labels[columns.predicted[row] - 1] : null;
  const bits = Object.fromEntries(summary.flags.map((name, bit) => [name, 1 << bit]));
  data.flag = (row, name) => (columns.flags[row] & bits[name]) !== 0;
  data.splitName = row => summary.splits[columns.split[row]].name;
  data.place = row => summary.splits.length > 1 ? `${data.splitName(row)} ${counted(columns.row[row] + 1)}`
    : counted(columns.row[row] + 1);
  data.hash = row => Array.from(columns.hash.subarray(8 * row, 8 * row + 8),
    byte => byte.toString(16).padStart(2, "0")).join("");
  // A label as JSON has it: a list where a row has several, or a tag for each token; and back.
  data.value = label => label === null || summary.kind === "one" ? label
    : summary.kind === "tags" ? label.split(" ") : label.split("|").map(name => name.trim()).filter(Boolean);
  data.written = value => Array.isArray(value) ? value.join(summary.kind === "tags" ? " " : "|") || "|"
    : value === undefined ? null : value;
  const classNumber = new Map(summary.classes.map((name, i) => [name, i]));
  data.color = label => {
    if (summary.kind === "tags" || label === null) return null;
    const first = summary.kind === "one" ? label : data.value(label)[0];
    return classNumber.has(first) ? `k${classNumber.get(first) % PALETTE}` : null;
  };
  data.entities = summary.entities ? new Map(summary.labels.map((label, i) => [label, summary.entities[i]])) : null;
  // A label in few words: of tags the entities that they mark.
  data.brief = label => label === null ? "–" : data.entities ? entityNames(data, label) : label;
  data.chip = label => make("span", {className: "chip" + (label === null ? " none" : ""), dir: "auto",
    title: label === null ? "no label" : label},
  ...(data.color(label) ? [make("b", {className: "dot " + data.color(label)})] : []), data.brief(label));
  data.suspects = new Map();
  if (columns["suspect.row"]) {
    const reasons = stringsOf(columns, "suspect.reasons");
    columns["suspect.row"].forEach((row, rank) => data.suspects.set(row, {rank,
      suggested: columns["suspect.suggested"][rank] ? summary.labels[columns["suspect.suggested"][rank] - 1] : null,
      score: columns["suspect.score"][rank], reasons: reasons[rank].split("\n").filter(Boolean)}));
    // One more finding, which the review file brings.
    summary.flags.push("suspect");
    summary.found.push("suspect");
    bits.suspect = 1 << summary.flags.length - 1;
    columns.flags = Uint32Array.from(columns.flags);
    for (const row of data.suspects.keys()) columns.flags[row] |= bits.suspect;
  }
  return data;
}

class Page {
  constructor(data) {
    this.data = data;
    this.renderers = [];
    this.quiet = 0;
    this.staying = false;
    data.filters = this.filters = new Filters(data.rows, () => this.update());
    data.decisions = this.decisions = new Decisions(data, rows => this.decided(rows));
    this.search = new TextSearch(data.texts);
    data.figures = this.figures();
    this.list = new RowList(data, {choose: row => this.choose(row), marksOf: row => this.marksOf(row)});
    this.orders = new Map();
    this.current = -1;
  }

  start() {
    const {summary} = this.data;
    this.quiet++;
    const heading = document.querySelector("h1");
    heading.title = summary.source;
    heading.textContent = summary.source.replace(/[/\\]+$/, "").split(/[/\\]/).slice(-2).join("/");
    this.addFilters();
    this.filters.start();
    this.addControls();
    this.addDialogs();
    this.list.measure();
    this.quiet--;
    this.sort();
    this.listen();
    document.querySelector(".app").removeAttribute("aria-busy");
    if (matchMedia("(min-width:64rem)").matches && this.list.visible.length) this.choose(this.list.visible[0]);
    // Searching is instant once the texts are folded.
    setTimeout(() => this.search.prepare(), 300);
  }

  // Columns of numbers in the list.
  figures() {
    const {columns} = this.data, figures = [];
    const rounded = values => row => Number.isNaN(values[row]) ? "–" : values[row].toFixed(2);
    if (columns.loss) figures.push({name: "loss", text: rounded(columns.loss)});
    if (columns.length) figures.push({name: "tokens", text: row => counted(columns.length[row])});
    else figures.push({name: "words", text: row => counted(columns.words[row])});
    return figures;
  }

  addFilters() {
    const {data, filters} = this, {summary, columns} = data, panel = byId("filters");
    const add = part => {
      panel.append(part.element);
      this.renderers.push(part);
      return part;
    };
    this.searched = filters.by(row => row);
    this.byDecision = filters.by(row => row);
    if (summary.found.length)
      this.findings = add(new Findings(summary.found, summary.flags, filters.by(row => columns.flags[row])));
    if (summary.splits.length > 1)
      this.splits = add(new Facet("Split", summary.splits.map(split => split.name),
        filters.by(row => columns.split[row])));
    if (summary.labeled) this.labels = add(this.labelFacet("Label", columns.label));
    if (columns.predicted && summary.kind !== "tags")
      this.predictions = add(this.labelFacet("Predicted", columns.predicted));
    const {classes} = summary;
    if (summary.labeled && columns.predicted && summary.kind === "one" && classes.length > 1
      && classes.length <= MOST_CLASSES) {
      const index = new Map(classes.map((name, i) => [name, i])), n = classes.length;
      const code = Int32Array.from([-1, ...summary.labels.map(name => index.get(name))]);
      const cellOf = row => columns.label[row] && columns.predicted[row]
        ? code[columns.label[row]] * n + code[columns.predicted[row]] : -1;
      add(new Confusion(classes, filters.by(cellOf), i => `k${i % PALETTE}`));
    }
    const number = (title, values, options = {}) => add(new Histogram(title, values,
      filters.by(row => Number.isNaN(values[row]) ? -1 : values[row]), options));
    if (columns.length) number("Tokens", columns.length, {line: summary.max_length});
    else number("Words", columns.words);
    number("Characters", columns.characters);
    if (columns.loss) number("Loss", columns.loss, {whole: false});
    if (columns.confidence && columns.confidence.some(value => value >= 0))
      number("Confidence", columns.confidence, {whole: false});
    if (data.suspects.size) {
      const scores = new Float32Array(data.rows).fill(-1);
      for (const [row, {score}] of data.suspects) scores[row] = score;
      number("Suspicion", scores, {whole: false});
    }
    if (columns["map.row"]) this.addMap();
  }

  // Labels, or of rows with several each of them.
  labelFacet(title, codes) {
    const {summary} = this.data, {label_classes: lists, classes} = summary;
    const missing = "none", colors = summary.kind === "tags" ? null : i => i === classes.length ? "" : `k${i % PALETTE}`;
    const names = [...classes, missing];
    const none = classes.length;
    if (lists === null) {
      // The names of single labels are their classes, in the same order.
      const number = new Map(classes.map((name, i) => [name, i]));
      const classOf = Int32Array.from([none, ...summary.labels.map(name => number.get(name))]);
      return new Facet(title, names, this.filters.by(row => classOf[codes[row]]), {colors, missing});
    }
    const of = row => codes[row] && lists[codes[row] - 1].length ? lists[codes[row] - 1] : [none];
    return new Facet(title, names, this.filters.by(of, true), {colors, missing});
  }

  addMap() {
    const {data} = this, {summary, columns} = data;
    const describe = [];
    if (summary.labeled && summary.kind !== "tags") describe.push(["label", "label"]);
    if (columns.predicted && summary.kind !== "tags") describe.push(["predicted", "predicted label"]);
    if (columns.predicted) describe.push(["differs", "predicted otherwise"]);
    describe.push(["split", "split"]);
    const colorOf = (by, row) => {
      const number = by === "split" ? columns.split[row] % PALETTE : by === "differs" ? (data.flag(row, "differs") ? 6 : 0)
        : null;
      if (number !== null) return `--k${number}`;
      const color = data.color(by === "label" ? data.label(row) : data.predicted(row));
      return color ? `--${color}` : "--quiet";
    };
    this.map = new TextMap(data, this.filters.by(row => row),
      {colorOf, describe, choose: row => this.choose(row)});
    byId("map").append(this.map.element);
    const toggle = byId("toggle-map");
    const show = shown => {
      byId("map").hidden = !shown;
      toggle.setAttribute("aria-pressed", shown);
      this.map.draw();
    };
    toggle.hidden = false;
    toggle.addEventListener("click", () => show(byId("map").hidden));
    show(true);
    this.renderers.push(this.map);
  }

  addControls() {
    const {data} = this, {summary, columns} = data;
    const scopes = [["text", "texts"]];
    if (summary.labeled) scopes.push(["label", "labels"]);
    scopes.push(["split", "splits"]);
    if (summary.ids) scopes.push(["id", "ids"]);
    if (summary.tokenized) scopes.push(["token", "tokens"]);
    byId("scope").append(...scopes.map(([value, name]) => make("option", {value}, name)));
    const sorts = [["file", "file order"]];
    if (data.suspects.size) sorts.unshift(["suspect", "suspects first"]);
    if (columns.loss) sorts.push(["loss", "highest loss"]);
    if (columns.confidence && columns.confidence.some(value => value >= 0)) sorts.push(["confidence", "least confident"]);
    sorts.push(["long", "longest"], ["short", "shortest"]);
    if (columns.unknown) sorts.push(["unknown", "most unknown tokens"]);
    sorts.push(["copies", "most copies"]);
    byId("sort").append(...sorts.map(([value, name]) => make("option", {value}, name)));
    const head = document.querySelector(".row.head");
    head.append(make("span", {className: "place"}, "Row"), make("span", {className: "labels"},
      columns.predicted ? "Label → predicted" : summary.labeled ? "Label" : ""),
    make("span", {className: "text"}, "Text"),
    ...data.figures.map(figure => make("span", {className: "figure"}, figure.name)),
    make("span", {className: "tags"}));
    const {style} = document.querySelector("main");
    style.setProperty("--figures", data.figures.length);
    style.setProperty("--place", summary.splits.length > 1 ? "6.6rem" : "3.6rem");
    style.setProperty("--labels", columns.predicted ? "8rem" : "7rem");
    document.querySelector("main").classList.toggle("unlabeled", !summary.labeled && !columns.predicted);
  }

  marksOf(row) {
    const {data} = this, marks = [];
    for (const name of data.summary.found)
      if (data.flag(row, name) && name !== "differs")
        marks.push(make("span", {className: `icon ${name}`, title: FINDINGS[name][0],
          "aria-label": FINDINGS[name][0], role: "img"}, ICONS[name]));
    const decision = data.decisions.get(row);
    if (decision) marks.push(make("span", {className: "icon decision", "aria-label": decision.decision, role: "img",
      title: decision.decision}, DECISION_MARKS[decision.decision]));
    return marks;
  }

  // All parts of the page follow the filters.
  update() {
    if (this.quiet) return;
    const {data, filters} = this;
    filters.refresh();
    this.list.update(this.staying);
    for (const part of this.renderers) part.render();
    const count = filters.count, total = data.rows;
    byId("count").textContent = count === total
      ? rowsOf(total) + (data.summary.total > total ? ` of ${counted(data.summary.total)}` : "")
      : `${counted(count)} of ${rowsOf(total)}`;
    byId("clear").hidden = !filters.active;
    byId("none").hidden = count > 0;
    byId("list").hidden = count === 0;
    byId("bulk").textContent = filters.active ? `Decide for these ${counted(count)} …` : "Decide for all …";
    this.showDecisions();
  }

  clear() {
    this.quiet++;
    byId("query").value = "";
    byId("undecided").value = "all";
    this.data.query = null;
    this.searched.clear();
    this.byDecision.clear();
    for (const part of this.renderers) part.clear();
    this.quiet--;
    this.update();
  }

  sort() {
    const by = byId("sort").value;
    if (by !== "file" && !this.orders.has(by)) this.orders.set(by, this.orderBy(by));
    this.list.order = this.orders.get(by) || null;
    this.update();
  }

  orderBy(by) {
    const {data} = this, {columns} = data, order = Uint32Array.from({length: data.rows}, (_, row) => row);
    const missing = (values, sign) => row => Number.isNaN(values[row]) ? Infinity : sign * values[row];
    const sizes = columns.length || columns.characters;
    const keys = {
      suspect: row => data.suspects.has(row) ? data.suspects.get(row).rank : Infinity,
      loss: columns.loss && missing(columns.loss, -1),
      confidence: columns.confidence && missing(columns.confidence, 1),
      long: row => -sizes[row], short: row => sizes[row],
      unknown: columns.unknown && (row => -columns.unknown[row]),
      copies: row => data.flag(row, "no-text") ? Infinity : -columns.copies[row] * 1e9 + columns.group[row],
    };
    const values = Float64Array.from(order, keys[by]);
    // Equal ones stay in the order of the file.
    return order.sort((a, b) => values[a] < values[b] ? -1 : values[a] > values[b] ? 1 : a - b);
  }

  async searchFor() {
    const words = byId("query").value, scope = byId("scope").value, regex = byId("pattern").checked;
    const {data} = this, input = byId("query");
    input.removeAttribute("aria-invalid");
    data.query = null;
    if (!words) return this.searched.active ? this.searched.set(null) : undefined;
    let found, pattern = null;
    try {
      if (regex) pattern = patternOf(words);
    } catch {
      input.setAttribute("aria-invalid", "true");
      return undefined;
    }
    const holds = text => pattern ? pattern.test(text) : folded(text).includes(folded(words));
    if (scope === "text") {
      found = pattern ? this.search.matchesPattern(pattern) : this.search.matches(words);
      const all = pattern ? new RegExp(pattern.source, pattern.flags + "g") : null;
      data.query = text => all ? Array.from(text.matchAll(all), match => [match.index, match[0].length])
        : occurrences(text, words);
    } else if (scope === "token") {
      const tokens = await this.tokens();
      found = tokens.matches(words, data.rows);
    } else if (scope === "id") found = Uint8Array.from(data.ids, id => holds(id) ? 1 : 0);
    else {
      const names = scope === "split" ? data.summary.splits.map(split => split.name) : data.summary.labels;
      const hits = names.map(name => holds(name) ? 1 : 0), {split, label} = data.columns;
      found = scope === "split" ? Uint8Array.from(split, code => hits[code])
        : Uint8Array.from(label, code => code ? hits[code - 1] : 0);
    }
    return this.searched.set(row => found[row] === 1);
  }

  tokens() {
    this.opening ||= openColumns("tokens").then(opened => new Tokens(opened, this.data.summary));
    return this.opening;
  }

  choose(row, {open = true} = {}) {
    this.current = row;
    this.list.choosing(row);
    if (this.map) {
      this.map.chosen = row;
      this.map.draw();
    }
    return showRow(this, row, open);
  }

  close() {
    document.body.classList.remove("reading", "filtering");
    byId("open-filters").setAttribute("aria-expanded", "false");
    byId("list").focus({preventScroll: true});
  }

  decide(rows, decision) {
    this.decisions.set(rows, decision);
  }

  decided() {
    const {decisions} = this;
    this.staying = true;
    if (this.byDecision.active) this.showBy();
    else this.list.redraw();
    this.staying = false;
    this.showDecisions();
    if (this.current >= 0) showRow(this, this.current, false);
    document.querySelector("#open-decisions b").textContent = counted(decisions.size);
  }

  showDecisions() {
    document.querySelector("#open-decisions b").textContent = counted(this.decisions.size);
  }

  showBy() {
    const value = byId("undecided").value, {decisions} = this;
    this.byDecision.set(value === "all" ? null : row => (decisions.get(row) !== undefined) === (value === "yes"));
  }

  addDialogs() {
    const page = this, {decisions, data} = this;
    const dialog = byId("decisions");
    const fill = () => {
      const counts = {keep: 0, drop: 0, relabel: 0};
      for (const {decision} of decisions.byRow.values()) counts[decision]++;
      const note = make("p", {className: "note", role: "status"});
      const file = make("input", {type: "file", accept: ".jsonl,.json", hidden: true, onchange: async () => {
        try {
          const {known, others} = decisions.load(await file.files[0].text());
          fill();
          byId("decisions").querySelector("[role=status]").textContent = `${rowsOf(known)} taken over`
            + (others ? `; ${counted(others)} are not in this page, or have changed since` : "");
        } catch {
          note.textContent = "That file is no decisions.jsonl: a JSON object is expected on each line.";
        }
      }});
      dialog.replaceChildren(closing(dialog, "Decisions"),
        make("p", {}, decisions.size ? `${counted(counts.keep)} to keep, ${counted(counts.drop)} to drop, `
          + `${counted(counts.relabel)} to relabel.` : "No row is decided yet. Choose a row, then keep (k), drop (d) or relabel (r) it."),
        make("p", {className: "buttons"},
          make("button", {type: "button", className: "primary", id: "download", disabled: !decisions.size,
            onclick: () => decisions.download()}, "Download decisions.jsonl"),
          make("button", {type: "button", onclick: () => file.click()}, "Load earlier decisions"),
          make("button", {type: "button", disabled: !decisions.size, onclick: () => {
            if (confirm(`Forget the decisions about ${rowsOf(decisions.size)}?`)) {
              decisions.set([...decisions.byRow.keys()], null);
              fill();
            }
          }}, "Forget all"), file), note,
        make("p", {}, "Apply them to the data: "),
        make("pre", {}, data.summary.apply),
        make("p", {className: "note"}, "Decisions stay in this browser until you forget them; the file is what lasts."));
    };
    byId("open-decisions").addEventListener("click", () => { fill(); dialog.showModal(); });
    const help = byId("help");
    help.append(closing(help, "How this page works"),
      make("p", {}, "Filters, charts, map and search act together: each shows the counts that the others leave. "
        + "Drag over a chart to keep a range; click into it to give the range up."),
      make("dl", {className: "keys"}, ...KEYS.flatMap(([key, meaning]) =>
        [make("dt", {}, ...key.split(" ").map(name => make("kbd", {}, name))), make("dd", {}, meaning)])),
      make("h2", {}, "About this page"), document.querySelector("footer"));
    byId("open-help").addEventListener("click", () => help.showModal());
    byId("bulk").addEventListener("click", () => bulk(page));
  }

  listen() {
    const input = byId("query");
    input.addEventListener("input", () => this.searchFor());
    byId("scope").addEventListener("change", () => this.searchFor());
    byId("pattern").addEventListener("change", () => this.searchFor());
    document.querySelector("form").addEventListener("submit", event => {
      event.preventDefault();
      byId("list").focus();
    });
    byId("sort").addEventListener("change", () => this.sort());
    byId("undecided").addEventListener("change", () => this.showBy());
    for (const id of ["clear", "clear-too"]) byId(id).addEventListener("click", () => this.clear());
    byId("open-filters").addEventListener("click", () => {
      const open = document.body.classList.toggle("filtering");
      byId("open-filters").setAttribute("aria-expanded", open);
    });
    byId("theme").addEventListener("click", () => { if (this.map) this.map.draw(); });
    document.addEventListener("keydown", event => this.key(event));
  }

  key(event) {
    const typing = event.target.closest("input,select,textarea");
    if (event.key === "Escape") {
      if (typing) typing.blur();
      this.close();
      return;
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const onButton = event.target.closest("button") && (event.key === "Enter" || event.key === " ");
    const row = this.current, page = Math.max(1, Math.floor(byId("list").clientHeight / this.list.height) - 1);
    const actions = {
      "/": () => byId("query").focus(), "?": () => byId("help").showModal(),
      ArrowDown: () => this.list.move(1), ArrowUp: () => this.list.move(-1), n: () => this.list.move(1),
      p: () => this.list.move(-1), PageDown: () => this.list.move(page), PageUp: () => this.list.move(-page),
      Home: () => this.list.move(-Infinity), End: () => this.list.move(Infinity),
      Enter: () => row >= 0 && this.choose(row),
      k: () => this.decideAndMove(KEEP), d: () => this.decideAndMove(DROP),
      r: () => this.edit(".relabel"), m: () => this.edit(".reason"), u: () => row >= 0 && this.decide([row], null),
    };
    if (onButton || !actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }

  decideAndMove(decision) {
    if (this.current < 0) return;
    const row = this.current, at = this.list.positionOf(row), earlier = this.decisions.get(row);
    this.decide([row], {decision, new_label: null, reason: earlier ? earlier.reason : null});
    // Where decided rows are hidden, the next one is at the same place now.
    const next = this.list.visible[this.byDecision.active ? at : at + 1];
    if (next !== undefined) this.choose(next, {open: false});
  }

  edit(selector) {
    const field = byId("detail").querySelector(selector);
    if (field) field.focus();
  }
}

const KEYS = [["/", "search"], ["↑ ↓", "row before, row after"], ["Enter", "open the row (on a phone)"],
  ["k", "keep, and go on"], ["d", "drop, and go on"], ["r", "relabel"], ["m", "write a reason"],
  ["u", "take the decision back"], ["Esc", "back to the list"], ["?", "this help"]];

// Where the words are in the text, whatever their case: [start, length].
function* occurrences(text, words) {
  const low = text.toLowerCase(), wanted = words.normalize("NFC").toLowerCase();
  // Letters whose lower case is longer would shift the places.
  if (low.length !== text.length) return;
  for (let at = low.indexOf(wanted); at >= 0; at = low.indexOf(wanted, at + wanted.length)) yield [at, wanted.length];
}

function closing(dialog, title) {
  return make("div", {className: "dialog-head"}, make("h2", {}, title),
    make("button", {type: "button", "aria-label": "Close", onclick: () => dialog.close()}, "✕"));
}

// One decision about all rows that the filters keep.
function bulk(page) {
  const dialog = byId("decisions"), rows = Array.from(page.list.visible), {data} = page;
  const label = labelField(data, "relabel all to"), reason = make("input", {type: "text", placeholder: "reason", "aria-label": "Reason"});
  const apply = decision => {
    if (decision === RELABEL && !label.value.trim()) return label.focus();
    page.decide(rows, decision === null ? null : {decision, new_label: decision === RELABEL ? label.value.trim() : null,
      reason: reason.value.trim() || null});
    return dialog.close();
  };
  const button = (decision, name) => make("button", {type: "button", disabled: !rows.length, onclick: () => apply(decision)}, name);
  dialog.replaceChildren(closing(dialog, `Decide for ${rowsOf(rows.length)}`),
    make("p", {}, "One decision for every row that the filters and the search keep now."),
    make("p", {className: "buttons"}, reason),
    make("p", {className: "buttons"}, button(KEEP, "Keep"), button(DROP, "Drop"), label, button(RELABEL, "Relabel"),
      button(null, "Take back")));
  dialog.showModal();
}

function labelField(data, placeholder) {
  if (!byId("label-names"))
    document.body.append(make("datalist", {id: "label-names"},
      ...data.summary.labels.slice(0, 500).map(value => make("option", {value}))));
  return make("input", {type: "text", className: "relabel", list: "label-names", placeholder, "aria-label": "New label",
    autocomplete: "off"});
}
