// Drawing: small pure functions from numbers to elements; every picture has its sentence.

const SVG = "http://www.w3.org/2000/svg";

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// A hundred people, filled for those who reach the outcome: filled against outline, not colour alone.
export function icons(number, sentence) {
  const people = Array.from({ length: 100 }, (_, place) => {
    const x = 10 + (place % 10) * 20, y = 10 + Math.floor(place / 10) * 20;
    return svg("circle", { cx: x, cy: y, r: 7, class: place < number ? "yes" : "no" });
  });
  return svg("svg", { viewBox: "0 0 200 200", class: "icons", role: "img", "aria-label": sentence }, ...people);
}

// Staying well over time, with the band of nine in ten cases and the usual curve, dashed.
export function curve(points, sentence) {
  const last = points[points.length - 1].day;
  const x = (day) => 40 + (day / last) * 430, y = (share) => 200 - share * 180;
  const all = [{ day: 0, probability: 1, base_rate: 1, interval: { low: 1, high: 1 } }, ...points];
  const line = (value) => all.map((one) => `${x(one.day)},${y(value(one))}`);
  const band = [...line((one) => one.interval.high), ...line((one) => one.interval.low).reverse()];
  const marks = all.map((one) => svg("text", { x: x(one.day), y: 218, "text-anchor": "middle" }, `${one.day}`));
  const shares = [0, 0.5, 1].map((one) => svg("text", { x: 34, y: y(one) + 4, "text-anchor": "end" }, `${one * 100}`));
  return svg("svg", { viewBox: "0 0 490 240", class: "wide", role: "img", "aria-label": sentence },
    svg("polygon", { points: band.join(" "), class: "band" }),
    svg("line", { x1: 40, y1: 200, x2: 470, y2: 200, class: "axis" }),
    svg("line", { x1: 40, y1: 20, x2: 40, y2: 200, class: "axis" }),
    svg("polyline", { points: line((one) => one.base_rate).join(" "), class: "usual" }),
    svg("polyline", { points: line((one) => one.probability).join(" "), class: "curve" }),
    ...marks, ...shares,
    svg("text", { x: 255, y: 235, "text-anchor": "middle" }, "days; of 100 still well; dashed: usual"));
}

// Reasons as bars to either side: better to the right, worse to the left.
export function bars(reasons, sentence) {
  const most = Math.max(...reasons.map((one) => Math.abs(one.points)), 1);
  const rows = reasons.flatMap((one, place) => {
    const y = 8 + place * 40, width = (Math.abs(one.points) / most) * 170, up = one.points > 0;
    const sign = up ? "+" : "−";
    return [
      svg("text", { x: 0, y: y + 10 }, `${one.group}: ${one.value}`.slice(0, 75)),
      svg("rect", { x: up ? 220 : 220 - width, y: y + 15, width, height: 12, class: up ? "up" : "down" }),
      svg("text", { x: up ? 226 + width : 214 - width, y: y + 26, "text-anchor": up ? "start" : "end" },
        `${sign}${Math.abs(one.points).toFixed(1)}`),
    ];
  });
  const height = reasons.length * 40 + 8;
  return svg("svg", { viewBox: `0 0 480 ${height}`, class: "wide", role: "img", "aria-label": sentence },
    svg("line", { x1: 220, y1: 4, x2: 220, y2: height, class: "axis" }), ...rows);
}

export function table(caption, head, rows) {
  return element("div", { class: "scroll" }, element("table", {}, element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...head.map((one) => element("th", { scope: "col" }, one)))),
    element("tbody", {}, ...rows.map(([first, ...rest]) => element("tr", {},
      element("th", { scope: "row" }, first), ...rest.map((one) => element("td", {}, one)))))));
}
