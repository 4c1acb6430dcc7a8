// Linked filters: each is a dimension of crossfilter, so the counts of one follow the filters of all others.
class Filters {
  constructor(rows, changed) {
    this.rows = rows;
    this.changed = changed;
    this.all = [];
    this.kept = new Uint8Array(rows);
    this.cross = crossfilter(Array.from({length: rows}, (_, row) => row));
  }

  // A filter by values of rows; `several` where a row has a list of them.
  by(valueOf, several = false) {
    const dimension = this.cross.dimension(valueOf, several);
    const filter = {
      dimension,
      active: false,
      set: test => {
        filter.active = test !== null;
        if (test === null) dimension.filterAll();
        else dimension.filterFunction(test);
        this.changed();
      },
      group: keyOf => keyOf ? dimension.group(keyOf) : dimension.group(),
      clear: () => { if (filter.active) filter.set(null); },
    };
    this.all.push(filter);
    return filter;
  }

  get count() {
    return this.total.value();
  }

  start() {
    this.total = this.cross.groupAll().reduceCount();
  }

  // Looks up once which rows all filters keep; its records are the row numbers.
  refresh() {
    this.listed = this.cross.allFiltered();
    this.kept.fill(0);
    for (const row of this.listed) this.kept[row] = 1;
  }

  has(row) {
    return this.kept[row] === 1;
  }

  get active() {
    return this.all.some(filter => filter.active);
  }
}

// Buttons with bars, one for each name: those that are pressed are the ones to keep.
class Facet {
  constructor(title, names, filter, {colors = null, missing = null, keys = null} = {}) {
    this.filter = filter;
    this.pressed = new Set();
    this.keys = keys || names.map((_, i) => i);
    this.group = filter.group();
    const entries = new Map(this.group.all().map(({key, value}) => [key, value]));
    this.totals = this.keys.map(key => entries.get(key) || 0);
    // The most frequent first, where there are too many to see all.
    this.order = d3.range(names.length).filter(i => this.totals[i] > 0);
    if (this.order.length > MOST) {
      this.order.sort((a, b) => this.totals[b] - this.totals[a]);
      this.order = this.order.slice(0, MOST);
    }
    this.most = Math.max(1, ...this.order.map(i => this.totals[i]));
    this.items = this.order.map(i => {
      const count = make("span", {className: "number"});
      const bar = make("i");
      const name = make("span", {className: "name", dir: "auto"}, names[i] === missing ? "" : names[i]);
      if (names[i] === missing) name.append(make("em", {}, missing));
      else if (colors) name.prepend(make("b", {className: "dot " + colors(i)}));
      const button = make("button", {type: "button", className: "value", "aria-pressed": "false",
        onclick: () => this.toggle(i)}, name, count, make("span", {className: "track"}, bar));
      return {i, button, count, bar};
    });
    const hidden = names.length - this.items.length;
    const list = make("div", {className: "values"}, ...this.items.map(item => item.button));
    this.element = make("section", {className: "facet"}, make("h2", {}, title), list);
    if (this.items.length > 12) {
      const find = make("input", {type: "search", placeholder: `Find one of ${counted(names.length)}`,
        "aria-label": `Find in ${title}`, oninput: () => {
          const wanted = folded(find.value);
          for (const item of this.items) item.button.hidden = !folded(names[item.i]).includes(wanted);
        }});
      list.before(find);
      if (hidden > 0 && this.order.length === MOST)
        list.after(make("p", {className: "note"}, `the ${MOST} with most rows of ${counted(names.length)}`));
    }
  }

  toggle(i) {
    const key = this.keys[i];
    if (!this.pressed.delete(key)) this.pressed.add(key);
    this.apply();
  }

  only(...keys) {
    this.pressed = new Set(keys);
    this.apply();
  }

  apply() {
    const pressed = this.pressed;
    this.filter.set(pressed.size ? key => pressed.has(key) : null);
  }

  clear() {
    this.pressed.clear();
    this.filter.clear();
  }

  render() {
    const counts = new Map(this.group.all().map(({key, value}) => [key, value]));
    for (const {i, button, count, bar} of this.items) {
      const value = counts.get(this.keys[i]) || 0;
      button.setAttribute("aria-pressed", this.pressed.has(this.keys[i]));
      button.classList.toggle("none", value === 0);
      count.textContent = counted(value);
      bar.style.width = `${100 * value / this.most}%`;
    }
  }
}
const MOST = 200;

// What may be wrong with a row: a row has to have everything that is pressed.
class Findings {
  constructor(names, flags, filter) {
    this.filter = filter;
    this.selected = 0;
    this.group = filter.group();
    this.items = names.map(name => {
      const bit = 1 << flags.indexOf(name), [title, meaning] = FINDINGS[name];
      const count = make("span", {className: "number"});
      const button = make("button", {type: "button", className: "value finding", title: meaning,
        "aria-pressed": "false", onclick: () => this.toggle(bit)},
      make("span", {className: "name"}, make("span", {className: "icon", "aria-hidden": "true"}, ICONS[name]),
        title), count);
      return {bit, button, count};
    });
    this.element = make("section", {className: "facet"}, make("h2", {}, "Findings"),
      make("div", {className: "values"}, ...this.items.map(item => item.button)));
    this.hideEmpty();
  }

  hideEmpty() {
    const totals = this.counts();
    for (const item of this.items) item.button.hidden = totals(item.bit) === 0;
    this.element.hidden = this.items.every(item => item.button.hidden);
  }

  counts() {
    const groups = this.group.all();
    return bit => groups.reduce((sum, {key, value}) => sum + (key & bit ? value : 0), 0);
  }

  toggle(bit) {
    this.selected ^= bit;
    const selected = this.selected;
    this.filter.set(selected ? flags => (flags & selected) === selected : null);
  }

  clear() {
    this.selected = 0;
    this.filter.clear();
  }

  render() {
    const counts = this.counts();
    for (const {bit, button, count} of this.items) {
      const value = counts(bit);
      button.setAttribute("aria-pressed", Boolean(this.selected & bit));
      button.classList.toggle("none", value === 0);
      count.textContent = counted(value);
    }
  }
}

const FINDINGS = {
  exact: ["exact duplicate", "an earlier row of the split has the same text"],
  normalized: ["normalized duplicate", "an earlier row has the same text, case, punctuation and spaces aside"],
  near: ["near duplicate", "an earlier row has nearly the same text"],
  leak: ["in another split", "another split has the same text"],
  conflict: ["conflicting labels", "rows with the same text have other labels"],
  truncated: ["truncated", "longer than the model reads"],
  unknown: ["unknown tokens", "the tokenizer does not know a part of the text"],
  "no-text": ["no text", "the row has no text"],
  "no-label": ["no label", "the row has no label"],
  differs: ["predicted otherwise", "the model predicts another label"],
  suspect: ["suspect label", "in the review file: its label is likely wrong"],
};
const ICONS = {exact: "=", normalized: "≈", near: "~", leak: "⇄", conflict: "≠", truncated: "✂", unknown: "?",
  "no-text": "∅", "no-label": "◌", differs: "✗", suspect: "⚑"};
