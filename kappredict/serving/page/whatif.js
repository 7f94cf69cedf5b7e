// And if this were different: as entered and changed, side by side, for associations only.

import { byCondition } from "./answers.js";
import { ask } from "./ask.js";
import { control, held, sent, worded } from "./controls.js";
import { element, find } from "./dom.js";
import { moved } from "./drawing.js";
import { textOf, used } from "./form.js";
import { share, signed } from "./numbers.js";
import { NOT_AN_EFFECT, OUTCOMES } from "./words.js";

let now = null;
let ticket = 0;

// Offer what is planned first; what is only known of a patient is for exploring the model.
export function offer(result) {
  now = result;
  ticket += 1;
  const inputs = used().filter((one) => !one.item);
  const rows = (ones) =>
    ones.map((one) =>
      element(
        "div",
        { class: "toggle", "data-name": one.name },
        control(one, `if-${one.name}`, textOf(one.name)),
        element("span", { class: "changed" }),
      ),
    );
  const others = inputs.filter((one) => one.part !== "course");
  find("if-planned").replaceChildren(...rows(inputs.filter((one) => one.part === "course")));
  find("if-others").replaceChildren(
    element("summary", {}, "Explore the model with what is known of the patient"),
    ...rows(others),
  );
  find("compared").replaceChildren();
  find("reset-if").disabled = true;
}

export function forget() {
  now = null;
  ticket += 1;
  for (const id of ["if-planned", "if-others", "compared"]) find(id).replaceChildren();
}

function changes() {
  const found = {};
  for (const row of find("what-if").querySelectorAll(".toggle")) {
    const one = used().find((each) => each.name === row.dataset.name),
      text = held(row.firstChild),
      before = textOf(one.name);
    const { value, fault } = sent(one, text),
      different = text !== before && !fault;
    row.classList.toggle("differs", different);
    row.querySelector(".changed").textContent = different
      ? `changed; entered: ${worded(one, before)}`
      : fault
        ? "not a possible value"
        : "";
    if (different) found[one.name] = value;
  }
  return found;
}

export async function compare() {
  const different = changes(),
    mine = ++ticket;
  const any = Object.keys(different).length > 0;
  find("reset-if").disabled = !any;
  if (!any) {
    find("compared").replaceChildren();
    return;
  }
  try {
    const { after } = await ask("v1/what-if", {
      record: now.record,
      changes: { ...now.changes, ...different },
    });
    if (mine === ticket) find("compared").replaceChildren(sideBySide(now.answer.answers, after.answers));
  } catch (error) {
    find("compared").replaceChildren(element("p", { class: "fault" }, error.message));
  }
}

function sideBySide(before, after) {
  const several = new Set(after.map((one) => one.condition)).size > 1;
  const rows = byCondition(after)
    .flatMap(([, ones]) => ones)
    .map((then) => [before.find((one) => one.model.name === then.model.name), then])
    .map(([one, then]) => {
      const name = `${several ? `${now.labels.get(then.condition)}: ` : ""}${OUTCOMES[then.outcome].done}${then.natural_frequency?.responders ? " (of those who respond)" : ""}`;
      const number = (each) => (each.no_prediction ? "no prediction" : `${share(each.probability)} of 100`);
      const both = !one.no_prediction && !then.no_prediction;
      const difference = both ? Number(share(then.probability)) - Number(share(one.probability)) : 0;
      return element(
        "tr",
        {},
        element("th", { scope: "row" }, name),
        element("td", {}, number(one)),
        element("td", {}, element("strong", {}, number(then))),
        element("td", {}, both && (difference === 0 ? "the same" : signed(difference))),
        element("td", {}, both && moved(one.probability, then.probability)),
      );
    });
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": "As entered and if different" },
    element(
      "table",
      {},
      element("caption", {}, NOT_AN_EFFECT),
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          ["Of 100 people like this", "As entered ○", "If different ●", "Difference", "0 to 100"].map((one) =>
            element("th", { scope: "col" }, one),
          ),
        ),
      ),
      element("tbody", {}, rows),
    ),
  );
}
