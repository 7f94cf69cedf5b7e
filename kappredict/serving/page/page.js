// The page: a form made from what the models can be told, and the answer in several views.

import { bars, curve, element, icons, table } from "./drawing.js";

const find = (id) => document.getElementById(id);
const state = { key: "", conditions: [], instruments: new Map(), answer: null, record: null, view: "picture" };
const PARTS = { course: "The treatment planned", assessments: "Other scores", history: "History and current treatment" };
const WORDS = { response: "respond", remission: "reach remission", relapse: "stay well" };

async function ask(path, body) {
  const headers = state.key ? { authorization: `Bearer ${state.key}` } : {};
  const options = body === undefined ? { headers } : {
    method: "POST", headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(path, options);
  const content = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(content.detail), { problem: content });
  return content;
}

async function start() {
  const about = await ask("v1/about");
  const said = [about.demo && "DEMO: no credentials are asked for, on this machine only.",
    about.synthetic && "SYNTHETIC: the models were trained on simulated patients; no figure here is about real people."];
  find("mark").textContent = said.filter(Boolean).join(" ");
  find("mark").hidden = !said.some(Boolean);
  find("about").textContent = `kappredict ${about.version}`;
  if (about.demo) await load(); else find("key-part").hidden = false;
}

async function load() {
  const [given, instruments] = await Promise.all([ask("v1/inputs"), ask("v1/instruments")]);
  state.conditions = given.conditions;
  state.instruments = new Map(instruments.instruments.map((one) => [one.id, one]));
  find("condition").replaceChildren(...state.conditions.map((one) => element("option", { value: one.id }, one.label)));
  fields();
}

const chosen = () => state.conditions.find((one) => one.id === find("condition").value);

// The condition's own scale and the person first and open; everything else by group, closed.
function fields() {
  const { inputs, primary } = chosen();
  const first = inputs.filter((one) => !one.item && (one.instrument === primary || one.part === "patient"));
  const others = inputs.filter((one) => !first.includes(one) && !one.item);
  const closed = Object.entries(PARTS).map(([part, title]) => [title, others.filter((one) => one.part === part)])
    .filter(([, ones]) => ones.length).map(([title, ones]) => element("details", {},
      element("summary", {}, `${title} (${ones.length})`), ...ones.map(field)));
  find("fields").replaceChildren(...first.map(field), ...closed);
  find("changed").replaceChildren(...inputs.filter((one) => !one.item).map((one) => element("option", { value: one.name }, one.label)));
  changedField();
  find("result").hidden = true;
}

function field(one) {
  const id = `in-${one.name}`;
  const row = element("div", { class: "field" }, element("label", { for: id }, one.label), control(one, id),
    element("span", { class: "hint", id: `${id}-hint` }, hint(one)));
  const items = one.instrument && !one.item ? state.instruments.get(one.instrument).items : [];
  return items.length > 1 ? element("div", {}, row, byItem(one, items)) : row;
}

function hint(one) {
  const range = one.low !== null && one.high !== null && one.kind === "numeric" ? `${round(one.low)} to ${round(one.high)}` : "";
  return [range, one.unit].filter(Boolean).join(" ");
}

const round = (number) => Number(number.toFixed(1));

function control(one, id) {
  const shared = { id, "data-input": one.name, "aria-describedby": `${id}-hint` };
  const options = one.kind === "flag" ? [["1", "yes"], ["0", "no"]] : one.levels.map((level) => [level, level]);
  if (one.kind === "numeric") return element("input", { ...shared, type: "text", inputmode: "decimal", autocomplete: "off" });
  return element("select", shared, element("option", { value: "" }, "not known"),
    ...options.map(([value, label]) => element("option", { value }, label)));
}

function byItem(one, items) {
  const scale = state.instruments.get(one.instrument);
  const sum = element("p", { class: "hint", role: "status" });
  const rows = items.map((item) => {
    const id = `item-${scale.id}-${item.id}`, range = item.range ?? scale.item_range ?? scale.total;
    return element("div", { class: "field" },
      element("label", { for: id }, `${item.id}. ${item.topic || "item"}`),
      element("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", "data-item": item.id, "data-instrument": scale.id }),
      element("span", { class: "hint" }, `${range.low} to ${range.high}`));
  });
  const whole = element("details", {}, element("summary", {}, `Enter the ${scale.short_name} item by item`), ...rows, sum);
  whole.addEventListener("input", () => {
    const known = rows.map((row) => row.querySelector("input").value).filter((text) => text.trim() !== "");
    const total = known.reduce((before, text) => before + Number(text), 0);
    sum.textContent = `${known.length} of ${rows.length} answered, ${total} so far. The total is scored by the ${scale.short_name}'s rule.`;
    document.getElementById(`in-${one.name}`).disabled = known.length > 0;
  });
  return whole;
}

// What was entered as a patient record; a text that is no number stays and is named.
function entered() {
  const record = { patient: {}, course: { condition: chosen().id, index_day: 0 }, assessments: [], history: [] };
  const faults = [];
  for (const input of find("fields").querySelectorAll("[data-item]")) {
    const value = number(input, input.labels[0].textContent, faults);
    if (value !== null) record.assessments.push({ day: -0.5, instrument: input.dataset.instrument, item: input.dataset.item, value });
  }
  const changes = {};
  for (const one of chosen().inputs.filter((each) => !each.item)) {
    const control = find(`in-${one.name}`);
    if (!control || control.disabled || control.value.trim() === "") { control?.removeAttribute("aria-invalid"); continue; }
    const value = one.kind === "category" ? control.value : one.kind === "flag" && one.part !== "history" ? control.value === "1" : number(control, one.label, faults, one);
    if (value !== null) changes[one.name] = value;
  }
  return { record, changes, faults };
}

function number(control, label, faults, one = null) {
  const text = control.value.trim().replace(",", ".");
  control.removeAttribute("aria-invalid");
  if (text === "") return null;
  const value = Number(text), scale = one?.instrument || one?.part === "history";
  const outside = scale && one.low !== null && one.high !== null && one.part === "assessments" && (value < one.low || value > one.high);
  if (!Number.isNaN(value) && !outside) return value;
  control.setAttribute("aria-invalid", "true");
  faults.push([control, outside ? `${label}: must lie within ${one.low} and ${one.high}` : `${label}: must be a number`]);
  return null;
}

function showFaults(faults) {
  find("faults").replaceChildren(...faults.map(([control, text]) => {
    const link = element("a", { href: `#${control.id}` }, text);
    link.addEventListener("click", () => { control.closest("details")?.setAttribute("open", ""); control.focus(); });
    return element("p", { class: "fault" }, link);
  }));
}

async function submit(event) {
  event.preventDefault();
  const { record, changes, faults } = entered();
  showFaults(faults);
  if (faults.length) return;
  try {
    const answer = await ask("v1/what-if", { record, changes });
    state.answer = answer.after;
    state.record = { record, changes };
    show();
    find("result").hidden = false;
    find("result").focus();
    const lacking = find("fields").querySelectorAll("[data-input]").length - Object.keys(changes).length;
    find("status").textContent = lacking ? `${lacking} things are not known; the range says how sure the estimate is without them.` : "";
  } catch (error) { refuse(error); }
}

function refuse(error) {
  const said = error.problem?.errors?.map((one) => `${one.pointer} ${one.detail}`) ?? [error.message];
  find("faults").replaceChildren(...said.map((text) => element("p", { class: "fault" }, text)));
}

function show() {
  find("answers").replaceChildren(...state.answer.answers.map(outcome));
  const rated = [...find("fields").querySelectorAll("[data-item]")].filter((input) =>
    Number(input.value) > 0 && state.instruments.get(input.dataset.instrument).items.find((item) => item.id === input.dataset.item)?.never_filled_in);
  find("safety").replaceChildren(...rated.map((input) => element("p", { class: "notice" },
    `“${input.labels[0].textContent}” was rated above zero: assess safety now. This is a rule, not part of the estimate.`)));
}

function outcome(one) {
  const title = element("h3", {}, one.curve.length ? "Staying well" : one.outcome[0].toUpperCase() + one.outcome.slice(1));
  const meaning = element("p", { class: "hint" }, `${one.definition}.`);
  if (one.no_prediction) return element("article", {}, title, meaning, element("p", { class: "notice" }, `No prediction: ${one.no_prediction}.`));
  const share = (value) => Math.round(value * 100), range = `${share(one.interval.low)} to ${share(one.interval.high)}`;
  const sentence = one.natural_frequency.sentence;
  const sure = `In nine of ten cases the true figure lies within ${range} of 100. Usual among the courses it was trained on: ${share(one.base_rate)} of 100.`;
  const parts = [title, meaning, ...one.warnings.map((text) => element("p", { class: "notice" }, `${text}.`)),
    element("p", { class: "big" }, sentence), element("p", {}, sure)];
  if (state.view === "picture") {
    const pictures = [icons(one.natural_frequency.number, sentence)];
    if (one.curve.length) pictures.push(curve(one.curve, `Of 100: ${one.curve.map((point) => `${share(point.probability)} still well on day ${point.day}`).join(", ")}.`));
    if (one.reasons.length) pictures.push(bars(one.reasons, `Reasons: ${one.reasons.map((each) => each.sentence).join("; ")}.`));
    parts.push(element("div", { class: "picture" }, ...pictures));
  } else if (state.view === "text") {
    parts.push(...one.curve.map((point) => element("p", {}, `Day ${point.day}: ${share(point.probability)} of 100 still well (${share(point.interval.low)} to ${share(point.interval.high)}; usual ${share(point.base_rate)}).`)),
      element("ul", {}, ...one.reasons.map((each) => element("li", {}, each.sentence))));
  } else {
    if (one.curve.length) parts.push(table("Still well, of 100", ["Day", "Estimate", "Nine of ten cases", "Usual"],
      one.curve.map((point) => [`${point.day}`, `${share(point.probability)}`, `${share(point.interval.low)} to ${share(point.interval.high)}`, `${share(point.base_rate)}`])));
    parts.push(table("Reasons, in percentage points", ["What", "Value", "Typical", "Points"],
      one.reasons.map((each) => [each.group, each.value, each.typical, each.points.toFixed(1)])));
  }
  parts.push(element("p", { class: "hint" }, `An estimate for people like this; it cannot say what will happen to this person. ${one.synthetic ? "Synthetic data. " : ""}Model ${one.model.name}, ${one.model.version}.`));
  return element("article", {}, ...parts);
}

function changedField() {
  const one = chosen().inputs.find((each) => each.name === find("changed").value);
  if (one) find("changed-field").replaceChildren(control(one, "changed-to"), element("span", { class: "hint", id: "changed-to-hint" }, hint(one)));
}

async function compare() {
  const one = chosen().inputs.find((each) => each.name === find("changed").value);
  const text = find("changed-to").value.trim().replace(",", ".");
  const value = text === "" ? null : one.kind === "category" ? text : one.kind === "flag" && one.part !== "history" ? text === "1" : Number(text);
  try {
    const { record, changes } = state.record;
    const { after } = await ask("v1/what-if", { record, changes: { ...changes, [one.name]: value } });
    const rows = after.answers.map((then, place) => {
      const now = state.answer.answers[place], of = (each) => each.natural_frequency ? `${each.natural_frequency.number} of 100` : "no prediction";
      return [`${WORDS[then.outcome]}`, of(now), of(then)];
    });
    find("compared").replaceChildren(table(`With another “${one.label}”: an association, not an effect`, ["", "as entered", "if different"], rows));
  } catch (error) { find("compared").replaceChildren(element("p", { class: "fault" }, error.message)); }
}

find("condition").addEventListener("change", fields);
find("patient").addEventListener("submit", submit);
find("patient").addEventListener("reset", () => setTimeout(() => { fields(); showFaults([]); }));
find("changed").addEventListener("change", changedField);
find("compare").addEventListener("click", compare);
find("print").addEventListener("click", () => window.print());
find("views").addEventListener("change", (event) => { state.view = event.target.value; show(); });
find("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  state.key = find("key").value.trim();
  try { await load(); find("key-part").hidden = true; showFaults([]); } catch (error) { refuse(error); }
});
start();
