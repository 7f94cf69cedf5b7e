// What leaves the page: a text for the note, and the sheet's table of inputs for paper.

import { element } from "./dom.js";
import { byCondition } from "./answers.js";
import { share, within } from "./numbers.js";
import { LIMIT, LIMITS, OUTCOMES, capital, days, said } from "./words.js";

export function note(result) {
  const { answer, words, labels, stamp, marks } = result;
  const lines = ["Outlook after ketamine-assisted psychotherapy", ...marks, stamp, ""];
  lines.push(
    "Entered:",
    ...words.filter(([, , known]) => known).map(([label, value]) => `- ${label}: ${value}`),
    "",
  );
  if (result.assumed.length) lines.push(said.assumed(result.assumed), "");
  for (const [condition, ones] of byCondition(answer.answers)) {
    lines.push(`${labels.get(condition)}:`);
    for (const one of ones) lines.push(...spoken(one));
    lines.push("");
  }
  lines.push(
    ...answer.safety.map((one) => `Safety: ${one.label}. ${one.text}`),
    `${LIMIT} ${LIMITS}`,
    ...answer.answers.map((one) => `Model ${one.model.name}, ${one.model.version}.`),
  );
  return lines.join("\n");
}

function spoken(one) {
  const name = `- ${OUTCOMES[one.outcome].title} (${one.definition})`;
  if (one.no_prediction) return [`${name}: no prediction: ${one.no_prediction}.`];
  const curve = one.curve.map(
    (point) => `${days(point.day)} ${share(point.probability)} (${within(point.interval)})`,
  );
  return [
    `${name}: ${one.natural_frequency.sentence} ${said.sure(share(one.interval.low), share(one.interval.high))} ${said.usual(share(one.base_rate))}`,
    ...(curve.length ? [`  Still well, of 100: ${curve.join("; ")}`] : []),
    ...one.warnings.map((text) => `  ${capital(text)}.`),
  ];
}

export const inputsTable = (words) =>
  element(
    "dl",
    { class: "entered" },
    words
      .filter(([, , known]) => known)
      .map(([label, value]) => element("div", {}, element("dt", {}, label), element("dd", {}, value))),
  );
