// The list of rows: only those in sight are elements, so that 100,000 rows scroll as 20 do.
const HIGHEST = 8e6;   // pixels; browsers stop at about twice as many
const SPARE = 6;       // rows above and below those in sight

class RowList {
  constructor(data, {choose, marksOf}) {
    Object.assign(this, {data, choose, marksOf, order: null, visible: new Uint32Array(0), chosen: -1});
    this.element = byId("list");
    this.runway = make("div", {className: "runway"});
    this.element.append(this.runway);
    this.pool = new Map();
    this.element.addEventListener("scroll", () => this.draw());
    this.element.addEventListener("click", event => {
      const item = event.target.closest("[data-row]");
      if (item) this.choose(Number(item.dataset.row));
    });
    new ResizeObserver(() => this.measure()).observe(this.element);
  }

  measure() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    // The head of the list is as wide as its rows.
    this.element.parentElement.style.setProperty("--scrollbar",
      `${this.element.offsetWidth - this.element.clientWidth}px`);
    this.height = rem * (parseFloat(getComputedStyle(this.element).getPropertyValue("--row")) || 2.75);
    this.layout();
  }

  sort(order) {
    this.order = order;
    this.update();
  }

  // The rows that all filters keep, in order, which is that of the file where there is no other; `stay` where the list should not go back to its top.
  update(stay = false) {
    const {filters} = this.data;
    if (this.order) {
      const visible = new Uint32Array(filters.count);
      let n = 0;
      for (const row of this.order) if (filters.kept[row]) visible[n++] = row;
      this.visible = visible;
    } else this.visible = Uint32Array.from(filters.listed);
    this.positions = null;
    if (!stay) this.element.scrollTop = 0;
    this.layout();
  }

  layout() {
    const full = this.visible.length * this.height;
    this.scale = full > HIGHEST ? (full - this.element.clientHeight) / (HIGHEST - this.element.clientHeight) : 1;
    this.runway.style.height = `${Math.min(full, HIGHEST)}px`;
    this.pool.forEach(item => item.remove());
    this.pool.clear();
    this.draw();
  }

  positionOf(row) {
    if (row < 0) return -1;
    if (!this.positions) {
      this.positions = new Int32Array(this.data.rows).fill(-1);
      this.visible.forEach((value, i) => { this.positions[value] = i; });
    }
    return this.positions[row];
  }

  draw() {
    const top = this.element.scrollTop * this.scale, shift = this.element.scrollTop - top;
    const first = Math.max(0, Math.floor(top / this.height) - SPARE);
    const last = Math.min(this.visible.length,
      Math.ceil((top + this.element.clientHeight) / this.height) + SPARE);
    for (const [position, item] of this.pool)
      if (position < first || position >= last) {
        item.remove();
        this.pool.delete(position);
      }
    for (let position = first; position < last; position++) {
      let item = this.pool.get(position);
      if (!item) {
        item = this.item(this.visible[position], position);
        this.pool.set(position, item);
        this.runway.append(item);
      }
      item.style.transform = `translateY(${position * this.height + shift}px)`;
    }
    this.mark();
  }

  redraw() {
    this.layout();
  }

  mark() {
    for (const item of this.pool.values()) {
      const chosen = Number(item.dataset.row) === this.chosen;
      item.setAttribute("aria-selected", chosen);
      if (chosen) this.element.setAttribute("aria-activedescendant", item.id);
    }
  }

  item(row, position) {
    const {data} = this, text = data.texts[row];
    const tags = make("span", {className: "tags"}, ...this.marksOf(row));
    const shown = make("span", {className: "text", dir: "auto"});
    shown.append(...highlighted(text.slice(0, 400), data.query));
    if (!text) shown.append(make("em", {}, "no text"));
    const label = make("span", {className: "labels"}, data.chip(data.label(row)));
    const predicted = data.columns.predicted && data.predicted(row);
    if (predicted && data.flag(row, "differs")) label.append(make("span", {className: "arrow"}, "→"), data.chip(predicted));
    const figures = data.figures.map(figure => make("span", {className: "figure"}, figure.text(row)));
    const decision = data.decisions.get(row);
    return make("div", {className: "row" + (decision ? ` decided ${decision.decision}` : ""), role: "option",
      id: `row-${row}`, "data-row": row, "aria-posinset": position + 1, "aria-setsize": this.visible.length},
    make("span", {className: "place"}, data.place(row)), label, shown, ...figures, tags);
  }

  choosing(row) {
    this.chosen = row;
    const position = this.positionOf(row);
    if (position >= 0) {
      const top = position * this.height / this.scale, height = this.element.clientHeight;
      if (top < this.element.scrollTop) this.element.scrollTop = top;
      else if (top + this.height > this.element.scrollTop + height)
        this.element.scrollTop = top + this.height - height;
    }
    this.draw();
  }

  move(by) {
    if (!this.visible.length) return;
    const at = this.positionOf(this.chosen);
    const next = at < 0 ? 0 : Math.max(0, Math.min(this.visible.length - 1, at + by));
    this.choose(this.visible[next]);
  }
}

// The text with what was searched for marked: strings and elements.
function highlighted(text, query) {
  if (!query) return [text];
  const parts = [];
  let end = 0;
  for (const [start, length] of query(text)) {
    if (!length) continue;
    parts.push(text.slice(end, start), make("mark", {className: "hit"}, text.slice(start, start + length)));
    end = start + length;
    if (parts.length > 40) break;
  }
  parts.push(text.slice(end));
  return parts.filter(Boolean);
}
