// Elements: made from names, attributes and children; nothing is ever set as HTML.

const SVG = "http://www.w3.org/2000/svg";

export const find = (id) => document.getElementById(id);

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false)
      made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

export const element = (name, attributes = {}, ...children) =>
  filled(document.createElement(name), attributes, children);
export const svg = (name, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, name), attributes, children);

// A table that scrolls by itself where it is wider than the screen, also by keyboard.
export function table(caption, head, rows) {
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          head.map((one) => element("th", { scope: "col" }, one)),
        ),
      ),
      element(
        "tbody",
        {},
        rows.map(([first, ...rest]) =>
          element(
            "tr",
            {},
            element("th", { scope: "row" }, first),
            rest.map((one) => element("td", {}, one)),
          ),
        ),
      ),
    ),
  );
}

// Open whatever is closed around a field, and go there.
export function visit(target) {
  for (let one = target.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
  const field = target.matches("input, select, textarea")
    ? target
    : (target.querySelector("input, select") ?? target);
  field.focus();
  field.scrollIntoView({ block: "center" });
}
