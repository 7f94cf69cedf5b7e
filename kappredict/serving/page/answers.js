// The answer in four views: picture, text, table, and a sheet to read with the patient.

import { bar, curve, icon, icons, ruler, sample } from "./drawing.js";
import { element, table } from "./dom.js";
import { rest, share, signed, within } from "./numbers.js";
import { CENSORED, LIMIT, OUTCOMES, REASONS, capital, days, plain, said } from "./words.js";

const ORDER = Object.keys(OUTCOMES);
// Points of 100: below the first a reason has no line of its own, above the second bars share the width.
const WORTH = 0.5,
  LEAST_SCALE = 5;

// The answers of each condition, its outcomes in clinical order.
export function byCondition(answers) {
  const groups = new Map();
  for (const one of answers) groups.set(one.condition, [...(groups.get(one.condition) ?? []), one]);
  return [...groups].map(([condition, ones]) => [
    condition,
    ones.sort((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome)),
  ]);
}

// One outcome: its number with all that is needed to read it.
export function outcome(one, view, card) {
  const { title, plainTitle } = OUTCOMES[one.outcome];
  const head = [
    element("h4", {}, view === "patient" ? plainTitle : title),
    view !== "patient" && element("p", { class: "hint" }, `${capital(one.definition)}.`),
  ];
  if (one.no_prediction) {
    return element(
      "article",
      { class: one.outcome },
      head,
      element("p", { class: "notice" }, `No prediction: ${one.no_prediction}.`),
    );
  }
  const parts = { picture, text, table: tables, patient: sheet }[view](one);
  const limits = element(
    "p",
    { class: "limits" },
    LIMIT,
    card && ` Made from ${said.trained(card, one.outcome)}.`,
  );
  return element("article", { class: one.outcome }, head, parts, view !== "patient" && limits);
}

// Why, for all outcomes of a condition on one scale; below whether the model fits at all.
export function why(ones, view) {
  const told = ones.filter((one) => one.reasons.length);
  if (!told.length) return null;
  const most = Math.max(
    LEAST_SCALE,
    ...told.flatMap((one) => one.reasons.map((each) => Math.abs(each.points))),
  );
  const chart = { picture: (one) => reasons(one, most), text: reasonsText, table: reasonsTable }[view];
  return element(
    "section",
    { class: "why" },
    element("h4", {}, "Why"),
    element("p", { class: "hint" }, REASONS),
    view === "picture" &&
      legend(
        [sample("down"), "to the left, hatched: lowers it"],
        [sample("up"), "to the right, filled: raises it"],
      ),
    element(
      "div",
      { class: "outcomes" },
      told.map((one) =>
        element("section", { class: "reasons" }, element("h5", {}, OUTCOMES[one.outcome].title), chart(one)),
      ),
    ),
  );
}

const sentence = (one) => element("p", { class: "big" }, one.natural_frequency.sentence);

function sure(one) {
  const { low, high } = one.interval;
  return element(
    "p",
    { class: "sure" },
    element("strong", {}, said.sure(share(low), share(high))),
    " ",
    said.usual(share(one.base_rate)),
  );
}

function picture(one) {
  const number = one.natural_frequency.number,
    usual = Math.round(100 * one.base_rate),
    { low, high } = one.interval;
  return [
    sentence(one),
    element(
      "div",
      { class: "people" },
      group("People like this", number, one, one.natural_frequency.sentence),
      group("All in the data", usual, one, `Of 100 of all in the data, ${said.people(usual, one.outcome)}.`),
    ),
    element(
      "figure",
      { class: "rule" },
      ruler(
        one.probability,
        low,
        high,
        one.base_rate,
        `${said.sure(share(low), share(high))} ${said.usual(share(one.base_rate))}`,
      ),
    ),
    sure(one),
  ];
}

export const key = () =>
  legend(
    [icon("yes"), "estimate"],
    [sample("band"), "nine of ten cases"],
    [sample("usual"), "all in the data"],
  );

function group(title, number, one, words) {
  return element(
    "figure",
    {},
    element("figcaption", {}, title),
    icons(number, words),
    legend(
      [icon("yes"), said.people(number, one.outcome)],
      [icon("no"), said.peopleNot(100 - number, one.outcome)],
    ),
  );
}

const legend = (...entries) =>
  element(
    "ul",
    { class: "legend" },
    entries.map(([mark, text]) => element("li", {}, mark, text)),
  );

// Staying well over time: the curve, and beside it its values.
export function overTime(ones) {
  return ones
    .filter((one) => one.curve.length)
    .map((one) => {
      const words = said.stillWell(one.curve.map((point) => [share(point.probability), point.day]));
      return element(
        "section",
        { class: "survival" },
        element("h4", {}, "Staying well over time"),
        element(
          "div",
          { class: "beside" },
          element(
            "figure",
            {},
            curve(one.curve, words),
            legend(
              [sample("curve"), "people like this"],
              [sample("band"), "nine of ten cases"],
              [sample("usual"), "all in the data"],
            ),
          ),
          element("div", {}, curveTable(one), element("p", { class: "hint" }, CENSORED)),
        ),
      );
    });
}

const curveTable = (one) =>
  table(
    "Still well, of 100",
    ["After", "Estimate", "Nine of ten cases", "All in the data"],
    one.curve.map((point) => [
      days(point.day),
      share(point.probability),
      within(point.interval),
      share(point.base_rate),
    ]),
  );

// Reasons as a diverging chart that is a list: words, bar, and signed number; the small ones together.
function reasons(one, most) {
  const { strong, others } = weighed(one);
  const rows = [
    ...strong,
    ...(Math.abs(others) < WORTH ? [] : [{ group: "all others together", value: "", points: others }]),
  ];
  return [
    element(
      "p",
      { class: "hint" },
      rows.length ? said.start(share(one.start), share(one.probability)) : said.nothing(share(one.start)),
    ),
    element(
      "ol",
      {},
      rows.map((each) =>
        element(
          "li",
          {},
          element(
            "span",
            { class: "what" },
            element("b", {}, capital(each.group)),
            each.value && ` ${each.value}`,
            each.typical && element("small", {}, ` (typical: ${each.typical})`),
          ),
          bar(each.points / most),
          element("span", { class: "points" }, signed(each.points)),
        ),
      ),
    ),
  ];
}

// Reasons of less than half a point are not worth a line: they are summed, with those not sent.
function weighed(one) {
  const strong = one.reasons.filter((each) => Math.abs(each.points) >= WORTH);
  return {
    strong,
    others: 100 * (one.probability - one.start) - strong.reduce((sum, each) => sum + each.points, 0),
  };
}

function reasonsText(one) {
  const { strong } = weighed(one);
  return strong.length
    ? element(
        "ul",
        {},
        strong.map((each) => element("li", {}, said.reason(each))),
      )
    : element("p", {}, said.nothing(share(one.start)));
}

const reasonsTable = (one) =>
  table(
    `${OUTCOMES[one.outcome].title}: points of 100`,
    ["What", "Value", "Typical", "Points"],
    one.reasons.map((each) => [capital(each.group), each.value, each.typical, signed(each.points)]),
  );

function text(one) {
  return [
    sentence(one),
    sure(one),
    one.curve.length
      ? element(
          "ul",
          {},
          one.curve.map((point) =>
            element(
              "li",
              {},
              `After ${days(point.day)}, ${share(point.probability)} of 100 are still well (${within(point.interval)}; all in the data: ${share(point.base_rate)}).`,
            ),
          ),
        )
      : null,
  ];
}

function tables(one) {
  const words = OUTCOMES[one.outcome];
  return [
    table(
      `${words.title}: of 100 people like this`,
      ["So many", "Estimate", "Nine of ten cases", "All in the data"],
      [
        [words.done, share(one.probability), within(one.interval), share(one.base_rate)],
        [
          words.not,
          rest(one.probability),
          within({ low: 1 - one.interval.high, high: 1 - one.interval.low }),
          rest(one.base_rate),
        ],
      ],
    ),
    one.curve.length ? curveTable(one) : null,
  ];
}

function sheet(one) {
  const number = one.natural_frequency.number,
    day = one.curve.length ? one.curve[one.curve.length - 1].day : 0;
  const words = day
    ? plain.well(number, day, one.natural_frequency.responders)
    : plain.people(number, one.outcome);
  return [
    element("p", { class: "big" }, words),
    element(
      "div",
      { class: "people" },
      element(
        "figure",
        {},
        icons(number, words),
        legend([icon("yes"), OUTCOMES[one.outcome].plain], [icon("no"), OUTCOMES[one.outcome].plainNot]),
      ),
    ),
    element("p", {}, plain.range(share(one.interval.low), share(one.interval.high))),
    element("p", {}, plain.usual(share(one.base_rate))),
  ];
}
