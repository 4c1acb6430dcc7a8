// The pane of the chosen row.
async function showRow(page, row, open) {
  const {data} = page, {summary, columns} = data, pane = byId("detail");
  page.displayed = row;
  if (open && !matchMedia("(min-width:64rem)").matches) document.body.classList.add("reading");
  const text = data.texts[row], firstLength = columns.first ? Array.from(text.slice(0, columns.first[row])).length : null;
  const scrolled = pane.dataset.row === String(row) ? pane.scrollTop : 0;
  pane.dataset.row = row;
  const found = summary.found.filter(name => data.flag(row, name));
  const plain = make("div", {className: "colored", dir: "auto"}, text || make("em", {}, "no text"));
  const body = make("div", {className: "tokenized"}, plain);
  const parts = [
    make("div", {className: "detail-head"},
      make("h2", {}, `${data.splitName(row)} ${counted(columns.row[row] + 1)}`,
        data.ids ? make("span", {className: "quiet"}, ` id ${data.ids[row]}`) : ""),
      make("span", {className: "buttons"},
        make("button", {type: "button", "aria-label": "Row before", onclick: () => page.list.move(-1)}, "↑"),
        make("button", {type: "button", "aria-label": "Row after", onclick: () => page.list.move(1)}, "↓"),
        make("button", {type: "button", className: "narrow", "aria-label": "Back to the list", onclick: () => page.close()}, "✕"))),
    predictionLine(data, row),
    suspicion(data, row),
    markedEntities(data, row),
    body,
    found.length ? make("ul", {className: "found"}, ...found.map(name => make("li", {className: name},
      make("span", {className: "icon", "aria-hidden": "true"}, ICONS[name]), FINDINGS[name][1]))) : null,
    decisionForm(page, row),
    copies(page, row),
    neighbors(page, row),
    make("p", {className: "note"}, `${summary.splits[columns.split[row]].where}, row ${counted(columns.row[row] + 1)} · `
      + `${counted(columns.characters[row])} characters, ${counted(columns.words[row])} words`),
  ];
  pane.replaceChildren(...parts.filter(Boolean));
  pane.scrollTop = scrolled;
  if (!summary.tokenized || data.flag(row, "no-text")) return;
  const opened = await page.tokens();
  if (page.displayed !== row) return;
  const tokens = opened.of(row, firstLength), missing = columns.length[row] - tokens.length;
  const beyond = summary.max_length !== null && columns.length[row] > summary.max_length;
  body.replaceChildren(coloredText(text, tokens, firstLength),
    make("p", {className: "note"}, `${counted(columns.length[row])} tokens`
      + (columns.unknown[row] ? `, ${counted(columns.unknown[row])} unknown` : "")
      + (beyond ? `; truncated at ${counted(summary.max_length)}` : summary.max_length ? ` of at most ${counted(summary.max_length)}` : "")),
    tokenList(tokens, missing));
}

function predictionLine(data, row) {
  const {columns, summary} = data;
  if (!summary.labeled && !columns.predicted) return null;
  const line = make("p", {className: "prediction"});
  if (summary.labeled) line.append(make("span", {className: "quiet"}, "label "), data.chip(data.label(row)));
  if (!columns.predicted) return line;
  const predicted = data.predicted(row);
  line.append(make("span", {className: "quiet"}, " predicted "),
    predicted === null ? make("span", {className: "quiet"}, "–") : data.chip(predicted));
  if (columns.confidence[row] >= 0) line.append(make("span", {className: "quiet"}, ` ${(100 * columns.confidence[row]).toFixed(1)} %`));
  if (!Number.isNaN(columns.loss[row])) line.append(make("span", {className: "quiet"}, ` · loss ${columns.loss[row].toFixed(3)}`));
  return line;
}

function suspicion(data, row) {
  const suspect = data.suspects.get(row);
  if (!suspect) return null;
  return make("div", {className: "suspicion"}, make("p", {}, make("strong", {}, `⚑ suspect ${counted(suspect.rank + 1)} of ${counted(data.suspects.size)}`),
    make("span", {className: "quiet"}, ` score ${suspect.score.toFixed(3)}`),
    ...(suspect.suggested === null ? [] : [make("span", {className: "quiet"}, " suggested "), data.chip(suspect.suggested)])),
  make("ul", {}, ...suspect.reasons.map(reason => make("li", {dir: "auto"}, reason))));
}

function decisionForm(page, row) {
  const {data} = page, decision = data.decisions.get(row), suspect = data.suspects.get(row);
  const label = labelField(data, "new label"), reason = make("input", {type: "text", className: "reason", placeholder: "reason, if there is one to remember",
    "aria-label": "Reason", value: decision && decision.reason || ""});
  const likely = suspect && suspect.suggested !== null ? suspect.suggested
    : data.columns.predicted && data.flag(row, "differs") ? data.predicted(row) : "";
  label.value = decision && decision.new_label || likely || "";
  const set = kind => {
    const name = label.value.trim();
    if (kind === RELABEL && !name) return label.focus();
    const known = data.summary.classes;
    if (kind === RELABEL && data.summary.kind === "one" && known.length && !known.includes(name)
      && !confirm(`No row has the label "${name}". Use it?`)) return label.focus();
    return page.decide([row], {decision: kind, new_label: kind === RELABEL ? name : null, reason: reason.value.trim() || null});
  };
  reason.addEventListener("change", () => {
    const current = data.decisions.get(row);
    if (current) page.decide([row], {...current, reason: reason.value.trim() || null});
  });
  label.addEventListener("keydown", event => { if (event.key === "Enter") { set(RELABEL); byId("list").focus(); } });
  const button = (kind, name, key) => make("button", {type: "button", className: `decide ${kind}`, title: `key ${key}`,
    "aria-pressed": String(Boolean(decision) && decision.decision === kind), onclick: () => set(kind)}, name);
  return make("form", {className: "decide-form", onsubmit: event => event.preventDefault()},
    make("div", {className: "buttons"}, button(KEEP, "✓ Keep", "k"), button(DROP, "✕ Drop", "d"),
      decision ? make("button", {type: "button", className: "plain", onclick: () => page.decide([row], null)}, "Take back") : null),
    make("div", {className: "buttons"}, label, button(RELABEL, data.summary.labeled ? "✎ Relabel" : "✎ Label", "r")),
    reason);
}

function otherRow(page, row, note) {
  const {data} = page;
  return make("li", {}, make("button", {type: "button", className: "other", onclick: () => page.choose(row)},
    make("span", {className: "quiet"}, data.place(row)), data.summary.labeled ? data.chip(data.label(row)) : null,
    make("span", {className: "text", dir: "auto"}, data.texts[row].slice(0, 300)),
    note ? make("span", {className: "quiet"}, note) : null));
}

function copies(page, row) {
  const {data} = page;
  if (data.flag(row, "no-text")) return null;
  const others = copiesOf(row, data), absent = data.columns.copies[row] - 1 - others.length;
  if (!others.length && absent <= 0) return null;
  const kind = others.every(other => data.texts[other] === data.texts[row]) ? "the same text"
    : data.summary.near ? "nearly the same text" : "the same text, case, punctuation and spaces aside";
  const differ = others.filter(other => data.columns.label[other] !== data.columns.label[row]);
  const ordered = [...differ, ...others.filter(other => data.columns.label[other] === data.columns.label[row])];
  return make("section", {className: "copies"}, make("h3", {}, `${rowsOf(others.length)} with ${kind}`),
    make("ul", {}, ...ordered.slice(0, MOST_COPIES).map(other => otherRow(page, other))),
    ordered.length > MOST_COPIES ? make("p", {className: "note"}, `and ${counted(ordered.length - MOST_COPIES)} more`) : null,
    absent > 0 ? make("p", {className: "note"}, `${counted(absent)} more are not among the sampled rows`) : null);
}

function neighbors(page, row) {
  const {data} = page, {columns} = data;
  if (!columns["map.neighbors"]) return null;
  const point = page.map.pointOf.get(row), each = columns["map.neighbors"].length / columns["map.row"].length;
  if (point === undefined) return null;
  const found = d3.range(point * each, (point + 1) * each).filter(i => columns["map.neighbors"][i] > 0);
  if (!found.length) return null;
  return make("section", {className: "copies"}, make("h3", {}, "Nearest by their vectors"),
    make("ul", {}, ...found.map(i => otherRow(page, columns["map.neighbors"][i] - 1, (columns["map.similarity"][i] / 100).toFixed(2)))));
}

start().catch(error => {
  byId("count").textContent = typeof DecompressionStream === "undefined"
    ? "This browser is too old for the page, which needs one of 2023 or later."
    : `The page cannot be opened: ${error.message}`;
  throw error;
});
