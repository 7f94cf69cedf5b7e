// Drawing: small pure functions from numbers to pictures; what a picture shows is never by colour alone.

import { svg } from "./dom.js";
import { days } from "./words.js";

// A hundred people, grouped: filled for those who reach the outcome, in outline for the others.
export function icons(number, sentence) {
  const places = Array.from({ length: 100 }, (_, place) => [
    10 + (place % 10) * 20,
    12 + Math.floor(place / 10) * 24,
  ]);
  const people = (kind, from, to) => [
    places.slice(from, to).map(([x, y]) => svg("circle", { cx: x, cy: y - 5, r: 3.6, class: kind })),
    svg("path", {
      d: places
        .slice(from, to)
        .map(([x, y]) => body(x, y))
        .join(" "),
      class: kind,
    }),
  ];
  return svg(
    "svg",
    { viewBox: "0 0 200 240", class: "icons", role: "img", "aria-label": sentence },
    people("yes", 0, number),
    people("no", number, 100),
  );
}

const body = (x, y) => `M${x - 6} ${y + 9} v-4 a6 5 0 0 1 12 0 v4 z`;

// One person, for a legend.
export const icon = (kind) =>
  svg(
    "svg",
    { viewBox: "-8 -10 16 20", class: "icon", "aria-hidden": "true" },
    svg("circle", { cx: 0, cy: -5, r: 3.6, class: kind }),
    svg("path", { d: body(0, 0), class: kind }),
  );

// From 0 to 100: the range as a bar, the estimate as a dot, the usual figure as a stroke.
export function ruler(estimate, low, high, usual, sentence) {
  const x = (share) => 12 + share * 196;
  const ticks = [0, 50, 100].map((one) => [
    svg("line", { x1: x(one / 100), y1: 34, x2: x(one / 100), y2: 39, class: "axis" }),
    svg("text", { x: x(one / 100), y: 52, "text-anchor": "middle" }, `${one}`),
  ]);
  return svg(
    "svg",
    { viewBox: "0 0 220 56", class: "ruler", role: "img", "aria-label": sentence },
    svg("line", { x1: x(0), y1: 34, x2: x(1), y2: 34, class: "axis" }),
    ticks,
    svg("rect", { x: x(low), y: 13, width: x(high) - x(low), height: 10, rx: 5, class: "band" }),
    svg("line", { x1: x(usual), y1: 4, x2: x(usual), y2: 33, class: "usual" }),
    svg("circle", { cx: x(estimate), cy: 18, r: 7, class: "yes" }),
  );
}

// Before (outline) and after (filled), on one line from 0 to 100.
export function moved(before, after) {
  const x = (share) => 8 + share * 184;
  return svg(
    "svg",
    { viewBox: "0 0 200 20", class: "moved", "aria-hidden": "true" },
    svg("line", { x1: x(0), y1: 10, x2: x(1), y2: 10, class: "axis" }),
    svg("line", { x1: x(before), y1: 10, x2: x(after), y2: 10, class: "curve" }),
    svg("circle", { cx: x(before), cy: 10, r: 5, class: "no paper" }),
    svg("circle", { cx: x(after), cy: 10, r: 5, class: "yes" }),
  );
}

// Staying well over time, with its band, and the usual curve in dashes.
export function curve(given, sentence) {
  const last = given[given.length - 1].day;
  const x = (day) => 34 + (day / last) * 300,
    y = (share) => 170 - share * 150;
  const all = [{ day: 0, probability: 1, base_rate: 1, interval: { low: 1, high: 1 } }, ...given];
  const line = (value) => all.map((one) => `${x(one.day)},${y(value(one))}`);
  const band = [...line((one) => one.interval.high), ...line((one) => one.interval.low).reverse()];
  const grid = [0, 0.25, 0.5, 0.75, 1].map((one) => [
    svg("line", { x1: 34, y1: y(one), x2: 334, y2: y(one), class: one ? "grid" : "axis" }),
    svg("text", { x: 28, y: y(one) + 4, "text-anchor": "end" }, `${one * 100}`),
  ]);
  const marks = given.map((one) => [
    svg("line", { x1: x(one.day), y1: 170, x2: x(one.day), y2: 175, class: "axis" }),
    svg(
      "text",
      { x: x(one.day), y: 188, "text-anchor": one.day === last ? "end" : "middle" },
      one.day === last ? days(last) : `${one.day}`,
    ),
    svg("circle", { cx: x(one.day), cy: y(one.probability), r: 4, class: "yes" }),
    svg(
      "text",
      {
        x: x(one.day) + (one.day === last ? 5 : 6),
        y: y(one.probability) - 7,
        class: "value",
        "text-anchor": one.day === last ? "end" : "start",
      },
      `${Math.round(one.probability * 100)}`,
    ),
  ]);
  return svg(
    "svg",
    { viewBox: "0 0 345 195", class: "chart", role: "img", "aria-label": sentence },
    svg("polygon", { points: band.join(" "), class: "band" }),
    grid,
    svg("polyline", { points: line((one) => one.base_rate).join(" "), class: "usual" }),
    svg("polyline", { points: line((one) => one.probability).join(" "), class: "curve" }),
    marks,
  );
}

// One bar of a diverging chart: to the right what raises, filled; to the left what lowers, hatched.
export function bar(share) {
  const width = Math.max(Math.abs(share) * 50, 0.6),
    x = share > 0 ? 50 : 50 - width;
  const strokes =
    share > 0
      ? []
      : Array.from({ length: Math.floor(width / 2) }, (_, place) =>
          svg("line", { x1: x + 1 + place * 2, y1: 0, x2: x + 1 + place * 2, y2: 10, class: "hatch" }),
        );
  return svg(
    "svg",
    { viewBox: "0 0 100 10", class: "bar", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { x, y: 1, width, height: 8, class: share > 0 ? "up" : "down" }),
    strokes,
    svg("line", { x1: 50, y1: 0, x2: 50, y2: 10, class: "axis" }),
  );
}

// A sample of a line or area, for a legend.
export const sample = (kind) =>
  svg(
    "svg",
    { viewBox: "0 0 24 12", class: "icon", "aria-hidden": "true" },
    { band: boxed, up: boxed, down: boxed }[kind]?.(kind) ??
      svg("line", { x1: 0, y1: 6, x2: 24, y2: 6, class: kind }),
  );

const boxed = (kind) =>
  [
    svg("rect", { x: 1, y: 2, width: 22, height: 8, class: kind }),
    kind === "down"
      ? [4, 7, 10, 13, 16, 19].map((x) => svg("line", { x1: x, y1: 2, x2: x, y2: 10, class: "hatch" }))
      : [],
  ].flat();
