// Every sentence of the page, in one place: for reading, and for translating.

export const OUTCOMES = {
  response: {
    title: "Response",
    plainTitle: "Getting better",
    past: "responded",
    done: "respond",
    not: "do not respond",
    plain: "get clearly better",
    plainNot: "do not",
  },
  remission: {
    title: "Remission",
    plainTitle: "Being nearly free of it",
    past: "reached remission",
    done: "reach remission",
    not: "do not",
    plain: "have few or no signs of it left",
    plainNot: "still have some",
  },
  relapse: {
    title: "Staying well",
    plainTitle: "Staying well",
    past: "relapsed",
    done: "stay well",
    not: "relapse",
    plain: "stay well",
    plainNot: "get worse again",
  },
};
export const LEVELS = {
  iv: "into a vein (iv)",
  im: "into a muscle (im)",
  sc: "under the skin (sc)",
  sl: "under the tongue (sl)",
  intranasal: "nasal spray",
};
export const GROUPS = {
  first: { title: "Main scale and person" },
  none: {
    title: "Current medicines and failed treatments",
    hint: "What is not entered here counts as none.",
  },
  course: { title: "The treatment planned" },
  scores: { title: "Other scores" },
  history: { title: "History" },
};
export const LIMIT = "An estimate for people like this. It cannot say what will happen to this person.";
export const LIMITS =
  "What goes with an outcome need not cause it. Not a substitute for clinical judgement. Research use.";
export const RANGE =
  "The range covers how few patients the model has seen and what is not known here. It does not cover a clinic whose patients differ from those it was trained on.";
export const NOT_AN_EFFECT = "An association, not a treatment effect.";
export const REASONS =
  "Associations in past patients, not causes: how many of 100 each adds to the estimate, or takes away.";
export const CENSORED = "Patients who were lost from sight count for as long as they were seen.";
export const NEVER_FILLED = "is never filled in: ask.";
export const JUDGE = "Context for a clinician to judge. No flag raises or lowers the estimate.";
export const REFUSED = "The key was not accepted. Enter it again.";
export const OUTDATED = "This outlook is of an earlier entry: what is entered now was not answered.";
export const UNREACHABLE = "The service does not answer. Your entries are kept: try again.";

export const said = {
  known: (known, all) => `${known} of ${all} entered`,
  number: (label) => `${label}: must be a number`,
  within: (label, one) => `${label}: must lie within ${one.low} and ${one.high}`,
  faults: (count) => (count === 1 ? "One entry needs correcting" : `${count} entries need correcting`),
  people: (number, outcome) => `${number} ${OUTCOMES[outcome].done}`,
  peopleNot: (number, outcome) => `${number} ${OUTCOMES[outcome].not}`,
  sure: (low, high) => `In nine of ten cases the true figure lies within ${low} and ${high} of 100.`,
  usual: (number) => `Among all in the data: ${number} of 100.`,
  stillWell: (points) =>
    `Of 100, still well: ${points.map(([number, day]) => `${number} at ${days(day)}`).join(", ")}.`,
  start: (from, to) => `From ${from} of 100, where the model starts, to ${to}:`,
  nothing: (from) => `The model starts from ${from} of 100, and nothing entered moves it by one.`,
  reason: (one) =>
    `${capital(one.group)} (${one.value}${one.typical ? `; typical: ${one.typical}` : ""}) ${one.points > 0 ? "raises" : "lowers"} the estimate by ${points(one.points)}.`,
  assumed: (labels) => `Not entered, so counted as none: ${labels.join(", ")}.`,
  unknown: (groups) => `Not known: ${groups.join(", ")}.`,
  lacking: (count) =>
    count === 1
      ? "One thing that the model uses is not known."
      : `${count} things that the model uses are not known.`,
  trained: (card, outcome) =>
    `${card.courses.toLocaleString("en-GB")} courses, of which ${card.events.toLocaleString("en-GB")} ${OUTCOMES[outcome].past} (${card.study})`,
  updated: (texts) => `Updated. ${texts.join(" ")}`,
  stamp: (moment, id) => `${moment}, prediction ${id}`,
  leaving: (seconds) => `Nothing was entered for a while. In ${seconds} seconds all entries are cleared.`,
};

// For the patient: short words, short sentences.
export const plain = {
  intro:
    "This page is to be read together with your clinician. It shows what happened to people like you. It cannot say what will happen to you.",
  people: (number, outcome) => {
    const words = OUTCOMES[outcome];
    return `Think of 100 people like you. About ${number} of them ${words.plain}. About ${100 - number} ${words.plainNot}.`;
  },
  well: (number, day, only) =>
    `Think of 100 people like you${only ? " who got better" : ""}. About ${number} of them stay well for ${days(day)}. About ${100 - number} get worse again.`,
  range: (low, high) => `We are not sure of this number. It could be as low as ${low} or as high as ${high}.`,
  usual: (number) => `Of all the people we learned from, it was ${number} in every 100.`,
  who: "We cannot know which of the 100 you would be.",
};

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const days = (day) => (day === 365 ? "1 year" : `${day} days`);
export const points = (value) =>
  Math.abs(value) < 0.5 ? "less than 1 of 100" : `${Math.round(Math.abs(value))} of 100`;
export const level = (value) => LEVELS[value] ?? value;
