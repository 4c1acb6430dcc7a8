// Texts as points: near each other where their vectors are. Drag around points to keep their rows.
const NEAREST = 12;

class TextMap {
  constructor(data, filter, {colorOf, choose, describe}) {
    Object.assign(this, {data, filter, colorOf, choose});
    const {"map.row": rows, "map.x": x, "map.y": y} = data.columns;
    Object.assign(this, {rows, x, y, lasso: null, chosen: -1});
    this.inside = new Uint8Array(data.rows);
    const index = d3.range(rows.length);
    this.tree = d3.quadtree(index, i => x[i], i => y[i]);
    this.widest = Math.max(1, d3.max(x) || 0, d3.max(y) || 0);
    this.pointOf = new Map(index.map(i => [rows[i], i]));
    this.canvas = make("canvas", {role: "img",
      "aria-label": `Map of ${rowsOf(rows.length)}: near texts have like vectors`});
    this.label = make("p", {className: "tip", hidden: true, dir: "auto"});
    this.undo = make("button", {type: "button", className: "plain", hidden: true,
      onclick: () => this.clear()}, "Clear selection");
    this.probe = make("i");
    this.colors = make("select", {"aria-label": "Color of the points", onchange: () => this.draw()},
      ...describe.map(([value, name]) => make("option", {value}, name)));
    this.element = make("div", {className: "map"},
      make("div", {className: "mapbar"}, make("span", {}, `${rowsOf(rows.length)} · drag around points to keep them`),
        make("label", {}, "Color ", this.colors), this.undo),
      make("div", {className: "plane"}, this.canvas, this.label, this.probe));
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  // From steps of the columns to pixels of the canvas and back; both axes have one scale.
  get frame() {
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight, edge = 10;
    const scale = Math.min((width - 2 * edge) / (d3.max(this.x) || 1), (height - 2 * edge) / (d3.max(this.y) || 1));
    const left = (width - scale * (d3.max(this.x) || 0)) / 2, top = (height - scale * (d3.max(this.y) || 0)) / 2;
    return {width, height, scale, left, top};
  }

  // A color of the style sheet as it is now, light or dark.
  resolved(name) {
    this.probe.style.color = `var(${name})`;
    return getComputedStyle(this.probe).color;
  }

  draw() {
    const {width, height, scale, left, top} = this.shape = this.frame;
    if (!width || !height) return;
    const ratio = devicePixelRatio || 1, context = this.canvas.getContext("2d");
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const size = this.rows.length > 20000 ? 1.6 : this.rows.length > 4000 ? 2.4 : 3.6;
    const faint = this.resolved("--line"), ink = this.resolved("--ink");
    const kept = [];
    context.fillStyle = faint;
    for (let i = 0; i < this.rows.length; i++) {
      if (this.data.filters.has(this.rows[i])) kept.push(i);
      else context.fillRect(left + scale * this.x[i] - size / 2, top + scale * this.y[i] - size / 2, size, size);
    }
    const colors = new Map();
    for (const i of kept) {
      const name = this.colorOf(this.colors.value, this.rows[i]);
      if (!colors.has(name)) colors.set(name, this.resolved(name));
      context.fillStyle = colors.get(name);
      context.fillRect(left + scale * this.x[i] - size / 2, top + scale * this.y[i] - size / 2, size, size);
    }
    const chosen = this.pointOf.get(this.chosen);
    if (chosen !== undefined) {
      context.strokeStyle = ink;
      context.lineWidth = 2;
      context.beginPath();
      context.arc(left + scale * this.x[chosen], top + scale * this.y[chosen], 7, 0, 2 * Math.PI);
      context.stroke();
    }
    if (this.lasso) {
      context.strokeStyle = this.resolved("--bar");
      context.lineWidth = 2;
      context.beginPath();
      this.lasso.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](left + scale * x, top + scale * y));
      context.closePath();
      context.stroke();
    }
  }

  listen() {
    let path = null;
    const at = event => {
      const box = this.canvas.getBoundingClientRect(), {scale, left, top} = this.shape;
      return [(event.clientX - box.left - left) / scale, (event.clientY - box.top - top) / scale];
    };
    this.canvas.addEventListener("pointerdown", event => {
      path = [at(event)];
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", event => {
      const point = at(event);
      if (path) {
        path.push(point);
        this.lasso = path;
        return this.draw();
      }
      const i = this.tree.find(...point, NEAREST / this.shape.scale);
      this.label.hidden = i === undefined;
      if (i !== undefined) this.label.textContent = this.data.texts[this.rows[i]].slice(0, 160);
    });
    this.canvas.addEventListener("pointerleave", () => { this.label.hidden = true; });
    this.canvas.addEventListener("pointerup", event => {
      const [x, y] = at(event), length = path ? path.length : 0;
      const far = path && path.some(([a, b]) => Math.hypot(a - x, b - y) * this.shape.scale > 6);
      if (length > 2 && far) this.keep(path);
      else {
        const i = this.tree.find(x, y, NEAREST / this.shape.scale);
        if (i !== undefined) this.choose(this.rows[i]);
        this.lasso = this.filter.active ? this.lasso : null;
      }
      path = null;
      this.draw();
    });
  }

  // Keeps the rows within a polygon of [x, y] in the steps of the columns.
  keep(polygon) {
    this.lasso = polygon;
    this.inside.fill(0);
    for (let i = 0; i < this.rows.length; i++)
      if (contains(polygon, this.x[i], this.y[i])) this.inside[this.rows[i]] = 1;
    this.undo.hidden = false;
    this.filter.set(row => this.inside[row] === 1);
  }

  clear() {
    this.lasso = null;
    this.undo.hidden = true;
    this.filter.clear();
    this.draw();
  }

  render() {
    this.draw();
  }
}

// Whether a ray from the point crosses the polygon an odd number of times.
function contains(polygon, x, y) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [a, b] = polygon[i], [c, d] = polygon[j];
    if (b > y !== d > y && x < (c - a) * (y - b) / (d - b) + a) inside = !inside;
  }
  return inside;
}
