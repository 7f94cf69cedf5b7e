// One input as a control: radio buttons where there is a choice of few, else a field for a number.

import { element } from "./dom.js";
import { capital, level } from "./words.js";

const MOST_CHOICES = 5;

// The choices of an input as [value, label] pairs, the first for "not known"; null where a number is entered.
function choices(one) {
  const unknown = ["", one.absent_is_none ? "not entered" : "not known"];
  if (one.kind === "flag") return [unknown, ["0", "no"], ["1", "yes"]];
  if (one.kind === "category") return [unknown, ...one.levels.map((each) => [each, level(each)])];
  return null;
}

export function control(one, id, given = "") {
  const list = choices(one);
  return list ? choice(one.label, id, list, given, one.name) : number(one, id, given);
}

export function choice(label, id, list, given, name, less = false) {
  const radios = list.map(([value, text]) =>
    element(
      "label",
      {},
      element("input", { type: "radio", name: id, id: `${id}-${value}`, value, checked: value === given }),
      element("span", {}, text),
    ),
  );
  return element(
    "fieldset",
    { class: less ? "field choice narrow" : "field choice", id, "data-input": name },
    element("legend", {}, label),
    element("div", { class: "choices" }, radios),
    element("p", { class: "fault", id: `${id}-fault` }),
  );
}

function number(one, id, given) {
  const says = hint(one);
  return element(
    "div",
    { class: "field" },
    element("label", { for: id }, one.label),
    element(
      "div",
      { class: "entry" },
      element("input", {
        id,
        "data-input": one.name,
        type: "text",
        inputmode: "decimal",
        autocomplete: "off",
        value: given,
        "aria-describedby": `${id}-hint ${id}-fault`,
      }),
      element("span", { class: "hint", id: `${id}-hint` }, says),
    ),
    element("p", { class: "fault", id: `${id}-fault` }),
  );
}

// Scales have limits; of other numbers it is said what the models were trained on.
function hint(one) {
  if (one.instrument)
    return `${tidy(one.low)} to ${tidy(one.high)}${one.unit && one.unit !== "points" ? ` ${one.unit}` : ""}`;
  const seen = one.high > one.low ? `trained on ${tidy(one.low)} to ${tidy(one.high)}` : "";
  return [one.unit.replace("m2", "m²"), seen].filter(Boolean).join("; ");
}

const tidy = (value) => Number(value.toFixed(1));

// One item of a questionnaire: as radio buttons where few whole numbers are possible.
export function item(scale, one, given = "") {
  const ends = one.range ?? scale.item_range ?? scale.total,
    id = `item-${scale.id}-${one.id}`;
  const label = one.topic
    ? `${/^\d+$/.test(one.id) ? `${one.id}. ` : ""}${capital(one.topic)}`
    : `Item ${one.id}`;
  const span = ends.high - ends.low,
    yesNo = span === 1 ? ["no", "yes"] : null;
  const made =
    span < MOST_CHOICES && Number.isInteger(ends.low)
      ? choice(
          label,
          id,
          [
            ["", "–"],
            ...Array.from({ length: span + 1 }, (_, place) => [
              `${ends.low + place}`,
              yesNo ? yesNo[place] : `${ends.low + place}`,
            ]),
          ],
          given,
          "",
          true,
        )
      : number(
          { label, name: "", instrument: scale.id, low: ends.low, high: ends.high, unit: "" },
          id,
          given,
        );
  made.dataset.instrument = scale.id;
  made.dataset.item = one.id;
  return made;
}

// What a control holds, as text; empty where it is not known.
export function held(made) {
  const chosen = made.matches("fieldset")
    ? made.querySelector("input:checked")
    : made.matches("input")
      ? made
      : made.querySelector("input");
  return chosen ? chosen.value.trim() : "";
}

// What the service is sent for a text, or a fault.
export function sent(one, text) {
  if (text === "") return { value: null };
  if (one.kind === "category") return { value: text };
  if (one.kind === "flag") return { value: one.part === "history" ? Number(text) : text === "1" };
  const value = Number(text.replace(",", "."));
  if (Number.isNaN(value)) return { fault: "number" };
  if (one.instrument && (value < one.low || value > one.high)) return { fault: "within" };
  return { value };
}

// What was entered, in words.
export function worded(one, text) {
  if (text === "") return one.absent_is_none ? "none (not entered)" : "not known";
  const list = choices(one);
  return list
    ? list.find(([value]) => value === text)[1]
    : `${text}${one.instrument || !one.unit ? "" : ` ${one.unit}`}`;
}
