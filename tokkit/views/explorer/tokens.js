// The chosen row: its text colored by tokens, the tokens themselves, copies and neighbors.
const HUES = 5;
const MOST_COPIES = 50;

class Tokens {
  constructor(opened, summary) {
    const {vocabulary, unknown_token: unknown} = opened.summary, {columns} = opened;
    Object.assign(this, {columns, vocabulary, unknown, max: summary.max_length});
    this.starts = new Float64Array(columns.stored.length + 1);
    columns.stored.forEach((count, row) => { this.starts[row + 1] = this.starts[row] + count; });
  }

  // The tokens of a row: {id, token, start, end, unknown, special, cut}; positions in characters of the text.
  of(row, firstLength) {
    const {tokens, gaps, widths, special: added, cut, cut_pair} = this.columns, list = [];
    let position = 0, first = 0, second = 0;
    for (let i = this.starts[row]; i < this.starts[row + 1]; i++) {
      const [id, token] = this.vocabulary[tokens[i]], special = added[i] === 1;
      const start = position + gaps[i], end = start + widths[i];
      // The second text of a pair begins after the first and one character.
      const inPair = firstLength !== null && !special && start > firstLength;
      const beyond = !special && (inPair ? second++ >= cut_pair[row] : first++ >= cut[row]);
      if (!special) position = end;
      list.push({id, token, start, end, special, cut: beyond, unknown: tokens[i] === this.unknown});
    }
    return list;
  }

  // Rows with a token of exactly this text.
  matches(token, rows) {
    const found = new Uint8Array(rows), index = this.vocabulary.findIndex(entry => entry[1] === token);
    if (index < 0) return found;
    let row = 0;
    const {tokens} = this.columns;
    for (let i = tokens.indexOf(index); i >= 0; i = tokens.indexOf(index, i + 1)) {
      while (this.starts[row + 1] <= i) row++;
      found[row] = 1;
    }
    return found;
  }
}

// The text with a span for each token; what no token covers stays plain. Positions are in code points.
function coloredText(text, tokens, firstLength) {
  const characters = Array.from(text), element = make("div", {className: "colored", dir: "auto"});
  let end = 0, hue = 0, line = false;
  for (const token of tokens) {
    if (token.special || token.end <= end) continue;
    const start = Math.max(token.start, end);
    if (start > end) element.append(characters.slice(end, start).join(""));
    if (token.cut && !line) {
      element.append(make("span", {className: "cutline", role: "separator", "aria-label": "truncated here"}));
      line = true;
    }
    element.append(make("span", {className: `token h${hue++ % HUES}${token.unknown ? " unknown" : ""}`
      + (token.cut ? " cut" : ""), title: `${token.token} · id ${token.id}`},
    characters.slice(start, token.end).join("")));
    // The end of a truncated first text is not that of its pair.
    if (firstLength !== null && token.end > firstLength) line = line && token.cut;
    end = token.end;
  }
  if (end < characters.length) element.append(characters.slice(end).join(""));
  return element;
}

function tokenList(tokens, missing) {
  const list = make("ol", {className: "tokens", dir: "ltr"});
  let hue = 0, line = false;
  for (const token of tokens) {
    if (token.cut && !line) list.append(make("li", {className: "cutline", role: "separator",
      "aria-label": "truncated here"}));
    line = token.cut;
    const kind = token.special ? " special" : ` h${hue++ % HUES}`;
    list.append(make("li", {className: `token${kind}${token.unknown ? " unknown" : ""}${token.cut ? " cut" : ""}`,
      title: `id ${token.id}`, dir: "auto"}, token.token));
  }
  if (missing > 0) list.append(make("li", {className: "more"}, `${counted(missing)} more`));
  return list;
}

// Rows with the same, or nearly the same, text as this one.
function copiesOf(row, data) {
  const {group} = data.columns, rows = [];
  for (let other = group.indexOf(group[row]); other >= 0; other = group.indexOf(group[row], other + 1))
    if (other !== row) rows.push(other);
  return rows;
}
