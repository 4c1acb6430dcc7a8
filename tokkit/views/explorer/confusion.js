// Labels by predicted labels: a cell keeps its rows.
const MOST_CLASSES = 12;

class Confusion {
  constructor(names, filter, colors) {
    Object.assign(this, {filter, names, chosen: null, group: filter.group()});
    const n = names.length, body = make("tbody");
    const head = name => make("th", {scope: "col", title: `predicted ${name}`},
      make("b", {className: "dot " + colors(names.indexOf(name))}), make("span", {className: "short"}, name));
    this.cells = names.map((label, i) => {
      const cells = names.map((predicted, j) => make("button", {type: "button", "aria-pressed": "false",
        title: `${label}, predicted ${predicted}`, onclick: () => this.toggle(i * n + j)}));
      body.append(make("tr", {}, make("th", {scope: "row", title: `label ${label}`, dir: "auto"},
        make("b", {className: "dot " + colors(i)}), make("span", {className: "short"}, label)),
      ...cells.map(cell => make("td", {}, cell))));
      return cells;
    });
    this.element = make("section", {className: "confusion"}, make("h2", {}, "Label × predicted"),
      make("table", {}, make("thead", {}, make("tr", {}, make("td"), ...names.map(head))), body));
  }

  toggle(key) {
    this.chosen = this.chosen === key ? null : key;
    const {chosen} = this;
    this.filter.set(chosen === null ? null : value => value === chosen);
  }

  clear() {
    this.chosen = null;
    this.filter.clear();
  }

  render() {
    const counts = new Map(this.group.all().map(({key, value}) => [key, value])), n = this.names.length;
    this.cells.forEach((cells, i) => {
      const values = cells.map((_, j) => counts.get(i * n + j) || 0), total = d3.sum(values) || 1;
      cells.forEach((cell, j) => {
        cell.textContent = values[j] ? short(values[j]) : "";
        cell.setAttribute("aria-label", `${cell.title}: ${rowsOf(values[j])}`);
        cell.setAttribute("aria-pressed", this.chosen === i * n + j);
        cell.style.setProperty("--share", `${Math.round(60 * values[j] / total)}%`);
        cell.classList.toggle("diagonal", i === j);
      });
    });
  }
}

const short = number => number < 10000 ? String(number) : `${Math.round(number / 1000)}k`;
