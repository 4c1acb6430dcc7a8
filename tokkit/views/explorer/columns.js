// Opens the columns of the page: base64 -> gzip -> typed arrays. See columns.py for their layout.
const TYPES = {u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i1: Int8Array, i2: Int16Array,
  i4: Int32Array, f4: Float32Array};
const CHUNK = 1 << 22;

function bytesOf(name) {
  const element = document.getElementById("data-" + name);
  const text = element.textContent;
  // Its text is not needed again.
  element.remove();
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function openColumns(name) {
  const stream = new Blob([bytesOf(name)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const size = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  const columns = {};
  for (const [column, [type, offset, length]] of Object.entries(header.columns))
    columns[column] = new TYPES[type](buffer, 4 + size + offset, length);
  return {summary: header.summary, columns};
}

// The strings of a column: its UTF-8 is decoded piece by piece, and cut at the lengths of the rows.
function stringsOf(columns, name) {
  const bytes = columns[name], units = columns[name + ".units"];
  const decoder = new TextDecoder("utf-8", {ignoreBOM: true});
  const strings = new Array(units.length);
  let at = 0, text = "", start = 0;
  for (let row = 0; row < units.length; row++) {
    while (text.length - start < units[row]) {
      const piece = bytes.subarray(at, at + CHUNK);
      at += piece.length;
      text = text.slice(start) + decoder.decode(piece, {stream: at < bytes.length});
      start = 0;
    }
    strings[row] = text.slice(start, start + units[row]);
    start += units[row];
  }
  return strings;
}

// An element with properties, attributes (named with a hyphen, or role) and children; text is never markup.
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name === "role" || name === "for" || name === "list" || name.includes("-")) element.setAttribute(name, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element[name] = value;
  }
  element.append(...children.filter(child => child !== null && child !== undefined && child !== ""));
  return element;
}

const byId = id => document.getElementById(id);
const format = new Intl.NumberFormat("en-US");
const counted = number => format.format(number);
const rowsOf = number => `${counted(number)} row${number === 1 ? "" : "s"}`;
