// The page: what is asked of the service when, and what of its answer is shown where.

import { byCondition, key, outcome, overTime, why } from "./answers.js";
import { ask, useKey } from "./ask.js";
import { fit, judge, models, safety, unknown } from "./context.js";
import { element, find } from "./dom.js";
import { count, draw, entered, fieldNamed, know, showFaults } from "./form.js";
import { watch } from "./idle.js";
import { inputsTable, note } from "./note.js";
import { setDecimals } from "./numbers.js";
import { compare, forget as forgetWhatIf, offer } from "./whatif.js";
import { LIMITS, OUTDATED, REFUSED, UNREACHABLE, plain, said } from "./words.js";

const state = {
  demo: false,
  conditions: [],
  flags: [],
  cards: new Map(),
  marks: [],
  view: "picture",
  result: null,
  asked: 0,
};

async function start() {
  const about = await ask("v1/about");
  state.marks = [
    about.demo && "DEMO: no credentials are asked for, on this machine only.",
    about.synthetic &&
      "SYNTHETIC: the models were trained on simulated patients; no figure here is about real people.",
  ].filter(Boolean);
  find("mark").textContent = state.marks.join(" ");
  find("mark").hidden = !state.marks.length;
  state.demo = about.demo;
  find("about").textContent = `kappredict ${about.version}`;
  if (about.demo) await load();
  else find("key-part").hidden = false;
}

async function load() {
  const [given, scales, flags, cards] = await Promise.all(
    ["inputs", "instruments", "safety", "models"].map((one) => ask(`v1/${one}`)),
  );
  Object.assign(state, {
    conditions: given.conditions,
    flags: flags.flags,
    cards: new Map(cards.models.map((one) => [one.name, one.card])),
  });
  know(scales.instruments);
  find("condition").replaceChildren(
    ...state.conditions.map((one) => element("option", { value: one.id }, one.label)),
  );
  find("also").replaceChildren(
    ...state.conditions.map((one) =>
      element(
        "label",
        {},
        element("input", { type: "checkbox", value: one.id }),
        element("span", {}, one.label),
      ),
    ),
  );
  find("patient").hidden = false;
  conditionsChanged();
}

function conditionsChanged() {
  const main = find("condition").value;
  for (const box of find("also").querySelectorAll("input")) {
    box.disabled = box.value === main;
    if (box.disabled) box.checked = false;
  }
  const also = [...find("also").querySelectorAll("input:checked")].map((one) => one.value);
  draw([main, ...also].map((id) => state.conditions.find((one) => one.id === id)));
}

// Ask for the outlook; `quiet` when an entry of an answered form was changed, so that focus stays there.
async function submit(quiet) {
  const { record, changes, faults, words, assumed } = entered(),
    mine = ++state.asked;
  if (faults.length) {
    outdated(true);
    if (!quiet) showFaults(faults);
    return;
  }
  showFaults([]);
  find("result").setAttribute("aria-busy", "true");
  try {
    const answer = await ask("v1/what-if", { record, changes });
    if (mine !== state.asked) return;
    const moment = new Date().toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
    const labels = new Map(state.conditions.map((one) => [one.id, one.label]));
    state.result = {
      answer: answer.after,
      record,
      changes,
      words,
      assumed,
      labels,
      marks: state.marks,
      stamp: said.stamp(moment, answer.request_id),
    };
    show();
    outdated(false);
    offer(state.result);
    find("status").textContent = said.updated(
      answer.after.answers.map((one) => one.natural_frequency?.sentence ?? "No prediction."),
    );
    if (!quiet) {
      find("result").focus({ preventScroll: true });
      find("result").scrollIntoView({ block: "start" });
    }
  } catch (error) {
    refuse(error);
  }
  find("result").removeAttribute("aria-busy");
}

// An outlook that is no longer of what is entered says so; it does not look like an answer to it.
function outdated(is) {
  find("outdated").textContent = is && state.result ? OUTDATED : "";
  find("answers").classList.toggle("outdated", is);
}

// What was entered stays, whatever went wrong.
function refuse(error) {
  outdated(true);
  if (error.status === 401) {
    askForKey();
    find("key-fault").textContent = REFUSED;
    find("key").focus();
    return;
  }
  const faults = error.problem?.errors?.map((one) => [
    fieldNamed(one.pointer),
    `${one.pointer} ${one.detail}`,
  ]);
  showFaults(faults ?? [[find("patient"), error.problem ? error.message : UNREACHABLE]]);
}

function show() {
  const { answer, assumed, words, labels, stamp } = state.result,
    patient = state.view === "patient";
  find("before-result").hidden = true;
  find("answered").hidden = false;
  find("answered").dataset.view = state.view;
  find("stamp").textContent = `${stamp}.`;
  find("safety").replaceChildren(...(patient ? [] : safety(answer.safety)));
  find("judge").replaceChildren(judge(answer.safety, state.flags));
  find("answers").replaceChildren(
    ...(patient ? [element("p", { class: "notice" }, plain.intro)] : []),
    ...byCondition(answer.answers).map(([condition, ones]) =>
      element(
        "section",
        { class: "condition" },
        element("h3", {}, labels.get(condition)),
        state.view === "picture" && key(),
        element(
          "div",
          { class: "outcomes" },
          ones.map((one) => outcome(one, state.view, state.cards.get(one.model.name))),
        ),
        ...(patient
          ? [element("p", { class: "big" }, plain.who)]
          : [
              element("p", { class: "limits" }, LIMITS),
              ...(state.view === "picture" ? overTime(ones) : []),
              fit(ones, assumed, state.cards),
              why(ones, state.view),
            ]),
      ),
    ),
  );
  find("models").replaceChildren(models(answer.answers, state.cards));
  find("note").value = note(state.result);
  find("copied").textContent = "";
  find("paper").replaceChildren(
    element("h3", {}, "What was entered"),
    inputsTable(words),
    element(
      "p",
      {},
      [...unknown(answer.answers).keys()].length ? said.unknown([...unknown(answer.answers).keys()]) : "",
    ),
    element(
      "p",
      {},
      `Models: ${answer.answers.map((one) => `${one.model.name} ${one.model.version}`).join("; ")}; ${find("about").textContent}.`,
    ),
  );
}

// Nothing of the patient stays: fields, answer, texts.
function clear() {
  state.result = null;
  state.asked += 1;
  find("patient").reset();
  for (const id of ["first-fields", "more-fields", "answers", "safety", "paper", "models", "judge"])
    find(id).replaceChildren();
  for (const id of ["status", "stamp", "copied"]) find(id).textContent = "";
  find("note").value = "";
  forgetWhatIf();
  outdated(false);
  find("answered").hidden = true;
  find("before-result").hidden = false;
  showFaults([]);
  if (state.conditions.length) conditionsChanged();
}

function askForKey() {
  useKey("");
  find("key").value = "";
  find("key-part").hidden = false;
}

function leave() {
  clear();
  if (state.demo) return;
  askForKey();
  find("patient").hidden = true;
}

async function copy() {
  find("note").select();
  // Plain HTTP has no clipboard: then what is selected is copied the old way.
  try {
    await navigator.clipboard.writeText(find("note").value);
  } catch {
    document.execCommand("copy");
  }
  find("copied").textContent = "Copied.";
}

find("condition").addEventListener("change", conditionsChanged);
find("also").addEventListener("change", conditionsChanged);
find("patient").addEventListener("submit", (event) => {
  event.preventDefault();
  submit(false);
});
find("clear").addEventListener("click", clear);
find("patient").addEventListener("change", () => {
  count();
  if (state.result) submit(true);
});
find("what-if").addEventListener("change", compare);
find("reset-if").addEventListener("click", () => {
  offer(state.result);
  find("what-if-title").focus();
});
find("print").addEventListener("click", () => window.print());
find("copy").addEventListener("click", copy);
find("views").addEventListener("change", (event) => {
  state.view = event.target.value;
  if (state.result) show();
});
find("decimals").addEventListener("change", (event) => {
  setDecimals(event.target.checked ? 1 : 0);
  if (state.result) {
    show();
    compare();
  }
});
find("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  useKey(find("key").value.trim());
  try {
    await load();
    find("key").value = "";
    find("key-fault").textContent = "";
    find("key-part").hidden = true;
    if (!state.result) find("condition").focus();
  } catch (error) {
    find("key-fault").textContent = error.status === 401 ? REFUSED : error.message;
  }
});
watch(leave);
start().catch(() => {
  find("mark").textContent = UNREACHABLE;
  find("mark").hidden = false;
});
