// The form: made from what the models of the chosen conditions use, and read as a patient record.

import { ask } from "./ask.js";
import { control, held, item, sent, worded } from "./controls.js";
import { element, find, visit } from "./dom.js";
import { GROUPS, NEVER_FILLED, said } from "./words.js";

let instruments = new Map();
let inputs = [];
let treated = [];

export const used = () => inputs;
export const know = (found) => {
  instruments = new Map(found.map((one) => [one.id, one]));
};
export const areaOf = (group) =>
  inputs
    .filter((one) => one.group === group)
    .map((one) => find(fieldOf(one)))
    .find(Boolean);
export const textOf = (name) => {
  const field = find(`in-${name}`);
  return field ? held(field) : "";
};

// Draw the fields of the conditions, in groups; what was entered before stays where it is still asked.
export function draw(conditions) {
  const before = new Map(
    [...find("patient").querySelectorAll("[data-input], [data-item]")].map((one) => [nameOf(one), held(one)]),
  );
  treated = conditions;
  const all = new Map(
    conditions.flatMap((each) => each.inputs.filter((one) => one.used)).map((one) => [one.name, one]),
  );
  inputs = [...all.values()];
  const groups = Object.fromEntries(Object.keys(GROUPS).map((name) => [name, []]));
  const scales = new Map();
  for (const one of inputs) {
    if (!one.instrument)
      groups[one.absent_is_none ? "none" : one.part === "patient" ? "first" : one.part].push(
        control(one, `in-${one.name}`, before.get(one.name)),
      );
    else if (!scales.has(one.instrument)) scales.set(one.instrument, scaleFields(one.instrument, before));
  }
  const main = conditions.map((each) => each.primary);
  const places = [...main, ...[...scales.keys()].filter((name) => !main.includes(name))];
  for (const name of places.filter((one) => scales.has(one)).reverse())
    groups[main.includes(name) ? "first" : "scores"].unshift(scales.get(name));
  find("first-fields").replaceChildren(...groups.first, section("none", groups.none, true));
  find("more-fields").replaceChildren(
    ...["course", "scores", "history"].map((name) => section(name, groups[name], false)),
  );
  count();
}

function section(name, fields, open) {
  if (!fields.length) return "";
  const { title, hint } = GROUPS[name];
  return element(
    "details",
    { open, class: "group" },
    element("summary", {}, element("span", {}, title), element("span", { class: "count" })),
    hint && element("p", { class: "hint" }, hint),
    fields,
  );
}

// An instrument as its total, or item by item where a total is made of its items.
function scaleFields(name, before) {
  const scale = instruments.get(name),
    conditions = treated.flatMap((each) => each.inputs);
  const total = conditions.find((one) => one.instrument === name && !one.item);
  const items = inputs.filter((one) => one.instrument === name && one.item);
  const main = treated.find((each) => each.primary === name);
  const note =
    main &&
    element(
      "p",
      { class: "hint" },
      `The main scale: the last score of the ${main.baseline_days} days before the first dose.`,
    );
  if (!total || scale.scoring.method === "as_recorded") {
    const fields = items.map((one) => {
      const { topic, range } = scale.items.find((each) => each.id === one.item);
      return control(
        { ...one, label: `${scale.short_name}: ${topic}`, unit: range ? "" : scale.unit },
        `in-${one.name}`,
        before.get(one.name),
      );
    });
    return element("div", { class: "scale" }, fields, note);
  }
  return element(
    "div",
    { class: "scale" },
    control(total, `in-${name}`, before.get(name)),
    note,
    scale.items.length > 1 && byItem(scale, before),
  );
}

function byItem(scale, before) {
  const score = element("p", { class: "score", role: "status" });
  const rows = scale.items.map((one) => item(scale, one, before.get(`item ${scale.id} ${one.id}`)));
  const whole = element(
    "details",
    { class: "items" },
    element("summary", {}, `Enter the ${scale.short_name} item by item`),
    rows,
    score,
  );
  // The form hears of it once the total is there, so that what is shown belongs together.
  whole.addEventListener("change", async (event) => {
    event.stopPropagation();
    await total(scale, rows, score);
    whole.parentElement?.dispatchEvent(new Event("change", { bubbles: true }));
  });
  whole.open = Object.keys(answered(rows)).length > 0;
  if (whole.open) setTimeout(() => total(scale, rows, score));
  return whole;
}

// The total is the service's own scoring; it stands in the field, which is then not typed in.
async function total(scale, rows, score) {
  const answers = answered(rows),
    field = find(`in-${scale.id}`),
    any = Object.keys(answers).length > 0;
  field.readOnly = any;
  if (!any) {
    field.value = "";
    score.textContent = "";
    return;
  }
  try {
    const found = await ask("v1/score", { instrument: scale.id, items: answers });
    if (JSON.stringify(answers) !== JSON.stringify(answered(rows))) return;
    field.value = found.total === null ? "" : `${Number(found.total.toFixed(2))}`;
    const guarded = scale.items
      .filter((one) => found.never_filled_in.includes(one.id))
      .map((one) => `Item ${one.id}${one.topic ? ` (${one.topic})` : ""} ${NEVER_FILLED}`);
    score.textContent = [`${found.sentence}.`, ...guarded.slice(0, 2)].join(" ");
    count();
  } catch (error) {
    score.textContent = error.message;
  }
}

const nameOf = (field) =>
  field.dataset.item ? `item ${field.dataset.instrument} ${field.dataset.item}` : field.dataset.input;
const answered = (rows) =>
  Object.fromEntries(
    rows
      .map((row) => [row.dataset.item, held(row)])
      .filter(([, text]) => text !== "")
      .map(([name, text]) => [name, Number(text.replace(",", "."))]),
  );

// What was entered: a record of items, the other inputs as changes to it, what is wrong, and all in words.
export function entered() {
  const course = {
    condition: treated.length > 1 ? treated.map((one) => one.id) : treated[0].id,
    index_day: 0,
  };
  const record = { patient: {}, course, assessments: [], history: [] };
  const found = { record, changes: {}, faults: [], words: [], assumed: [] };
  for (const row of find("patient").querySelectorAll("[data-item]")) readItem(row, found);
  const fields = [...find("patient").querySelectorAll("[data-input]")].filter((one) => one.dataset.input);
  const all = new Map(treated.flatMap((each) => each.inputs).map((one) => [one.name, one]));
  for (const field of fields) readField(field, all.get(field.dataset.input), found);
  return found;
}

function readItem(row, found) {
  const text = held(row),
    scale = instruments.get(row.dataset.instrument);
  const ends =
    scale.items.find((one) => one.id === row.dataset.item).range ?? scale.item_range ?? scale.total;
  const one = {
    kind: "numeric",
    instrument: scale.id,
    ...ends,
    label: `${scale.short_name}, ${row.querySelector("legend, label").textContent}`,
  };
  const { value, fault } = sent(one, text);
  mark(row, one, fault, found);
  if (fault || value === null) return;
  found.record.assessments.push({
    day: -0.5,
    instrument: row.dataset.instrument,
    item: row.dataset.item,
    value,
  });
}

function readField(field, one, found) {
  const text = held(field),
    { value, fault } = sent(one, text);
  mark(field, one, fault, found);
  found.words.push([one.label, worded(one, text), text !== ""]);
  if (text === "" && one.absent_is_none) found.assumed.push(one.label.toLowerCase());
  if (fault || value === null || field.readOnly) return;
  found.changes[one.name] = value;
}

function mark(field, one, fault, found) {
  const target = field.matches("input") ? field : field.querySelector("input"),
    place = find(`${field.id || target.id}-fault`);
  if (fault) target.setAttribute("aria-invalid", "true");
  else target.removeAttribute("aria-invalid");
  place.textContent = fault ? said[fault](one.label, one) : "";
  if (fault) found.faults.push([field, place.textContent]);
}

// Faults in one summary, each a way to its field; those of the service too, by the field they name.
export function showFaults(faults) {
  if (!faults.length) {
    find("faults").replaceChildren();
    return;
  }
  const list = faults.map(([field, text]) => {
    const link = element("a", { href: `#${field.id || "patient"}` }, text);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      visit(field);
    });
    return element("li", {}, field.matches("form") ? text : link);
  });
  const summary = element(
    "div",
    { class: "faults", tabindex: "-1", role: "alert" },
    element("h3", {}, said.faults(faults.length)),
    element("ul", {}, list),
  );
  find("faults").replaceChildren(summary);
  summary.focus();
}

export const fieldNamed = (pointer) => {
  const name = pointer.split("/").pop();
  return find(`in-${name}`) ?? find("patient");
};

function fieldOf(one) {
  return find(`in-${one.name}`) ? `in-${one.name}` : `in-${one.instrument}`;
}

// How much of each group is entered, in its heading.
export function count() {
  for (const group of find("patient").querySelectorAll("details.group")) {
    const fields = [...group.querySelectorAll("[data-input]")].filter((one) => one.dataset.input);
    group.querySelector(".count").textContent = said.known(
      fields.filter((one) => held(one) !== "").length,
      fields.length,
    );
  }
}
