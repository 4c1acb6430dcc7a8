// Entities of tagged rows: what the tags of a row say, in words, and its text with them marked.

// `group, person ×2` for the tags `O B-group I-group B-person O B-person`.
function entityNames(data, label) {
  const counts = new Map(), entities = data.entities.get(label);
  if (!entities) return label;
  for (const [type] of entities) counts.set(type, (counts.get(type) || 0) + 1);
  return [...counts].map(([type, count]) => data.summary.entity_types[type] + (count > 1 ? ` ×${count}` : "")).join(", ")
    || "no entities";
}

// The text with the entities of its label, and where they differ with those predicted; null where it is not tagged.
function markedEntities(data, row) {
  const {columns} = data, texts = [], label = data.label(row), predicted = columns.predicted ? data.predicted(row) : null;
  if (!data.entities) return null;
  const differs = predicted !== null && predicted !== label;
  if (label !== null) texts.push([differs || predicted === null ? "labeled" : "labeled and predicted", label]);
  if (differs) texts.push(["predicted", predicted]);
  const words = data.texts[row].split(" ");
  // A token that has a space itself is several words here, and nothing could be marked for sure.
  const whole = texts.every(([, tags]) => data.value(tags).length === words.length);
  if (!whole || texts.every(([, tags]) => !data.entities.get(tags).length)) return null;
  return make("dl", {className: "entities"}, ...texts.flatMap(([name, tags]) => [make("dt", {}, name),
    make("dd", {dir: "auto"}, ...withEntities(words, data.entities.get(tags), data.summary.entity_types))]));
}

function withEntities(words, entities, types) {
  const parts = [];
  let at = 0;
  for (const [type, first, last] of entities) {
    if (first > at) parts.push(words.slice(at, first).join(" ") + " ");
    parts.push(make("mark", {className: `entity k${type % PALETTE}`}, words.slice(first, last).join(" "),
      make("b", {}, types[type])), " ");
    at = last;
  }
  if (at < words.length) parts.push(words.slice(at).join(" "));
  return parts;
}
