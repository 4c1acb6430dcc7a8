// Histograms that can be brushed: drag over the bars, or type the limits below them.
const BINS = 40;

class Histogram {
  constructor(title, values, filter, {whole = true, line = null, digits = 2} = {}) {
    this.filter = filter;
    this.whole = whole;
    this.digits = whole ? 0 : digits;
    // Missing values are below 0 and are in no bin.
    const known = Float64Array.from(values).filter(value => value >= 0).sort();
    const low = known.length ? known[0] : 0;
    let high = known.length ? d3.quantileSorted(known, 0.995) : 1;
    if (line !== null && line <= known[known.length - 1]) high = Math.max(high, line * 1.05);
    this.step = d3.tickStep(low, Math.max(high, low + (whole ? 1 : 1e-6)), BINS);
    if (whole) this.step = Math.max(1, Math.ceil(this.step));
    this.low = Math.floor(low / this.step) * this.step;
    this.bins = Math.max(1, Math.floor((high - this.low) / this.step + 1e-9) + 1);
    this.largest = known.length ? known[known.length - 1] : 0;
    const {step, bins, low: first} = this;
    this.group = filter.group(value => value < 0 ? -1
      : Math.min(bins - 1, Math.floor((value - first) / step + 1e-9)));
    this.totals = this.countsOf();
    this.most = Math.max(1, ...this.totals);
    this.range = null;
    this.draw(title, line);
  }

  countsOf() {
    const counts = new Float64Array(this.bins);
    for (const {key, value} of this.group.all()) if (key >= 0) counts[key] = value;
    return counts;
  }

  draw(title, line) {
    const namespace = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(namespace, "svg");
    svg.setAttribute("viewBox", `0 0 ${this.bins} 100`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    const bars = className => Array.from({length: this.bins}, (_, i) => {
      const bar = document.createElementNS(namespace, "rect");
      bar.setAttribute("class", className);
      bar.setAttribute("x", i + 0.06);
      bar.setAttribute("width", 0.88);
      svg.append(bar);
      return bar;
    });
    const behind = bars("all");
    this.bars = bars("left");
    behind.forEach((bar, i) => this.size(bar, this.totals[i]));
    this.brush = make("div", {className: "brush", hidden: true});
    this.area = make("div", {className: "bars"}, svg, this.brush);
    const end = this.low + this.bins * this.step;
    if (line !== null && line < end) {
      const limit = make("div", {className: "limit", title: `truncated beyond ${line} tokens`});
      limit.style.left = `${100 * (line + 1 - this.low) / (end - this.low)}%`;
      this.area.append(limit);
    }
    const input = (label, apply) => make("input", {type: "number", step: this.whole ? "1" : "any",
      "aria-label": `${title}, ${label}`, placeholder: label, onchange: apply});
    this.from = input("least", () => this.typed());
    this.to = input("most", () => this.typed());
    const over = this.largest >= end ? "+" : "";
    this.element = make("section", {className: "chart"}, make("h2", {}, title), this.area,
      make("div", {className: "axis"}, make("span", {}, this.format(this.low)),
        make("span", {}, this.format(this.whole ? end - this.step : end) + over)),
      make("div", {className: "limits"}, this.from, make("span", {}, "to"), this.to));
    this.listen();
  }

  format(value) {
    return this.whole ? counted(value) : value.toFixed(this.digits);
  }

  size(bar, value) {
    // The smallest number of rows can still be seen.
    const height = value > 0 ? Math.max(2, 100 * value / this.most) : 0;
    bar.setAttribute("y", 100 - height);
    bar.setAttribute("height", height);
  }

  listen() {
    let start = null;
    const binAt = event => {
      const box = this.area.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      return Math.max(0, Math.min(this.bins - 1, Math.floor(share * this.bins)));
    };
    this.area.addEventListener("pointerdown", event => {
      start = binAt(event);
      this.area.setPointerCapture(event.pointerId);
      this.over(start, start);
    });
    this.area.addEventListener("pointermove", event => {
      if (start !== null) this.over(Math.min(start, binAt(event)), Math.max(start, binAt(event)));
    });
    const end = event => {
      // A click into the chosen bins gives them up.
      if (start !== null && binAt(event) === start && this.previous
        && start >= this.previous[0] && start <= this.previous[1]) this.clear();
      start = null;
      this.previous = this.range && this.range.bins;
    };
    this.area.addEventListener("pointerup", end);
    this.area.addEventListener("pointercancel", end);
  }

  // Keeps the rows in the bins from the first to the last.
  over(first, last) {
    const low = this.low + first * this.step, high = this.low + (last + 1) * this.step;
    const open = last === this.bins - 1 ? Infinity : high;
    this.apply({low, high: open, bins: [first, last]}, value => value >= low && value < open);
    this.from.value = this.whole ? low : +low.toFixed(6);
    this.to.value = open === Infinity ? "" : this.whole ? high - 1 : +high.toFixed(6);
  }

  typed() {
    const low = this.from.value === "" ? 0 : Number(this.from.value);
    const high = this.to.value === "" ? Infinity : Number(this.to.value);
    if (this.from.value === "" && this.to.value === "") return this.clear();
    const bin = value => (value - this.low) / this.step;
    const last = high === Infinity ? this.bins - 1 : bin(high + (this.whole ? 1 : 0)) - 1;
    this.apply({low, high, bins: [bin(low), last]}, value => value >= low && value <= high);
    this.previous = null;
  }

  apply(range, test) {
    this.range = range;
    this.filter.set(test);
  }

  clear() {
    this.range = this.previous = null;
    this.from.value = this.to.value = "";
    this.filter.clear();
  }

  render() {
    this.countsOf().forEach((value, i) => this.size(this.bars[i], value));
    this.brush.hidden = this.range === null;
    if (this.range === null) return;
    const [first, last] = this.range.bins.map(bin => Math.max(0, Math.min(this.bins, bin)));
    this.brush.style.left = `${100 * first / this.bins}%`;
    this.brush.style.width = `${100 * Math.max(0.3, Math.min(this.bins, last + 1) - first) / this.bins}%`;
  }
}
