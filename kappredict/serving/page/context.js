// What to know before the numbers: safety, whether the model fits this patient, what is not known.

import { element, visit } from "./dom.js";
import { areaOf } from "./form.js";
import { JUDGE, OUTCOMES, RANGE, capital, points, said } from "./words.js";

// Flags that the record raises, the urgent first.
export const safety = (raised) =>
  raised.map((one) =>
    element(
      "div",
      { class: one.urgent ? "notice urgent" : "notice" },
      element("p", {}, element("strong", {}, `${one.urgent ? "Safety: " : ""}${one.label}. `), one.text),
    ),
  );

// All else that is to be judged, with its source.
export function judge(raised, flags) {
  return element(
    "details",
    { class: "judge" },
    element("summary", {}, "To judge before a dose"),
    element("p", { class: "hint" }, JUDGE),
    [...bySource(flags.filter((one) => !raised.some((each) => each.id === one.id)))].map(([source, ones]) => [
      element(
        "ul",
        {},
        ones.map((one) => element("li", {}, one.label, one.text && `: ${one.text}`)),
      ),
      element("p", { class: "hint" }, source),
    ]),
  );
}

function bySource(flags) {
  const found = new Map();
  for (const one of flags) {
    const source = `${capital(one.mark)}${one.sources.length ? `: ${one.sources.join("; ")}` : ", without a source"}.`;
    found.set(source, [...(found.get(source) ?? []), one]);
  }
  return found;
}

// Above the reasons, since these do not tell whether the model may be trusted here.
export function fit(answers, assumed, cards) {
  const warnings = new Map();
  const note = (one, text, kind) =>
    warnings.set(text, {
      kind,
      outcomes: [...(warnings.get(text)?.outcomes ?? []), OUTCOMES[one.outcome].title.toLowerCase()],
    });
  for (const one of answers) for (const text of one.warnings) note(one, text, "warning");
  for (const one of answers)
    for (const text of cards.get(one.model.name)?.validation.warnings ?? []) note(one, text, "");
  const rows = [...warnings].map(([text, { kind, outcomes }]) =>
    element("li", { class: kind }, `${capital(text)} (${outcomes.join(", ")}).`),
  );
  if (assumed.length) rows.push(element("li", {}, said.assumed(assumed)));
  rows.push(...lacking(answers));
  rows.push(element("li", {}, RANGE));
  return element(
    "section",
    { class: "fit" },
    element("h4", {}, "Does it fit this patient?"),
    element("ul", {}, rows),
  );
}

// What is not known of the patient, with the outcome whose range it would make narrower most.
export function unknown(answers) {
  const found = new Map();
  for (const one of answers)
    for (const each of one.lacking) {
      const known = found.get(each.group);
      if (!known || each.narrows > known.narrows)
        found.set(each.group, { narrows: each.narrows, outcome: one.outcome });
    }
  return found;
}

function lacking(answers) {
  const found = unknown(answers);
  if (!found.size) return [];
  const useful = [...found]
    .sort((a, b) => b[1].narrows - a[1].narrows)
    .filter(([, one]) => one.narrows >= 0.5)
    .slice(0, 3);
  const best = useful.length
    ? element(
        "li",
        {},
        "Most useful to know next: ",
        useful
          .map(([group, one], place) => [
            place ? ", " : "",
            way(group),
            ` (makes the range for ${OUTCOMES[one.outcome].title.toLowerCase()} ${points(one.narrows)} narrower)`,
          ])
          .flat(),
        ".",
      )
    : null;
  const others = element(
    "details",
    {},
    element("summary", {}, said.lacking(found.size)),
    element(
      "ul",
      { class: "ways" },
      [...found.keys()].map((group) => element("li", {}, way(group))),
    ),
  );
  return [best, element("li", { class: "others" }, others)];
}

function way(group) {
  const made = element("button", { type: "button", class: "link" }, group);
  made.addEventListener("click", () => {
    const field = areaOf(group);
    if (field) visit(field);
  });
  return made;
}

// Which model said so: for the curious and for the record.
export function models(answers, cards) {
  return element(
    "dl",
    {},
    answers.flatMap((one) => {
      const card = cards.get(one.model.name);
      return [
        element("dt", {}, one.model.name),
        element(
          "dd",
          {},
          `Version ${one.model.version}. `,
          card && `Trained on ${said.trained(card, one.outcome)}. ${told(card)}`,
        ),
      ];
    }),
  );
}

function told(card) {
  const { headline, schemes } = card.validation,
    judged = schemes?.[headline] ?? {};
  const one = judged.auc ?? judged.c_index;
  if (!one || one.value === null) return "";
  const name = judged.auc ? "AUC" : "C-index",
    figure = (value) => value.toFixed(2);
  return `It tells patients apart with ${judged.auc ? "an" : "a"} ${name} of ${figure(one.value)} (${figure(one.low)} to ${figure(one.high)}; ${headline.replaceAll("_", " ")}); 0.5 is chance, 1 is perfect.`;
}
