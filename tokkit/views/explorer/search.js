// Finds the rows that hold a text. All texts are joined, so that one `indexOf` runs over many rows.
const BLOCK = 1 << 24;
const BETWEEN = "\u0000";
const folded = text => text.normalize("NFC").toLowerCase();

class TextSearch {
  constructor(texts) {
    this.texts = texts;
    this.blocks = null;
  }

  prepare() {
    if (this.blocks) return;
    this.blocks = [];
    for (let first = 0; first < this.texts.length;) {
      const parts = [];
      const starts = [];
      let size = 0, row = first;
      for (; row < this.texts.length && size < BLOCK; row++) {
        const part = folded(this.texts[row]);
        starts.push(size);
        parts.push(part);
        size += part.length + 1;
      }
      this.blocks.push({first, starts: Uint32Array.from([...starts, size]), text: parts.join(BETWEEN)});
      first = row;
    }
  }

  // (rows,) 1 where the text holds the words, whatever their case.
  matches(words) {
    this.prepare();
    const found = new Uint8Array(this.texts.length), wanted = folded(words);
    for (const {first, starts, text} of this.blocks) {
      let row = 0;
      for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, starts[row])) {
        row = d3.bisectRight(starts, at, row) - 1;
        found[first + row] = 1;
        row++;
        if (row >= starts.length - 1) break;
      }
    }
    return found;
  }

  matchesPattern(pattern) {
    return Uint8Array.from(this.texts, text => pattern.test(text) ? 1 : 0);
  }
}

// A regular expression of what was typed, upper or lower case alike; throws for what is none.
function patternOf(text) {
  try {
    return new RegExp(text, "iu");
  } catch {
    return new RegExp(text, "i");
  }
}
