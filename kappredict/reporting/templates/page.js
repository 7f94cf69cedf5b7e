// Unpacks plotly and the figures, draws each when it comes into view, and follows light and dark.
"use strict";
const INK = { light: ["#1a2129", "#cfd6de"], dark: ["#e9edf1", "#3d4752"] };
const root = document.documentElement;
const dark = window.matchMedia("(prefers-color-scheme: dark)");

async function inflate(id) {
  const text = document.getElementById(id).textContent.trim();
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

function themed(layout, width) {
  const [ink, line] = INK[root.dataset.theme];
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true };
  const made = structuredClone(layout);
  for (const name of Object.keys(made)) {
    if (!/^[xy]axis\d*$/.test(name)) continue;
    const text = made[name].title?.text ?? "";
    made[name] = { ...axis, ...made[name], title: { text: broken(text, width / 9), font: { size: 12 } } };
  }
  const { text = "" } = made.title ?? {};
  return {
    xaxis: axis, yaxis: axis, ...made, width, autosize: false,
    title: { text: "", _was: text }, margin: { ...made.margin, t: 20 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, family: "system-ui, sans-serif", size: 13 },
  };
}

// Breaks a title into lines that fit.
function broken(text, most) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if ((lines.at(-1) + word).length > most) lines.push("");
    lines[lines.length - 1] += `${word} `;
  }
  return lines.join("<br>").trim();
}

async function start() {
  const script = document.createElement("script");
  script.nonce = document.currentScript?.nonce ?? document.getElementById("page-script").nonce;
  script.textContent = await inflate("plotly-packed");
  document.head.append(script);
  const figures = JSON.parse(await inflate("figures-packed"));
  const places = [...document.querySelectorAll("[data-figure]")];
  const drawn = new Set();
  const draw = (place) => {
    const { data, layout } = figures[place.dataset.figure];
    const width = Math.max(place.clientWidth, 300);
    Plotly.react(place, data, themed(layout, width), { displaylogo: false, responsive: false });
    drawn.add(place);
  };
  const redraw = () => drawn.forEach(draw);
  const watcher = new IntersectionObserver((seen) => {
    for (const one of seen) {
      if (one.isIntersecting && !drawn.has(one.target)) draw(one.target);
    }
  }, { rootMargin: "400px" });
  places.forEach((place) => watcher.observe(place));
  let waiting = 0;
  window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(redraw, 150); });
  window.addEventListener("beforeprint", () => {
    theme("light");
    document.querySelectorAll("details.table").forEach((one) => { one.open = true; });
    places.forEach(draw);
  });
  window.kappredict = { drawAll: () => places.forEach(draw), redraw };
  root.dataset.ready = "true";
}

function theme(name) {
  root.dataset.theme = name;
  const button = document.getElementById("theme");
  button.textContent = name === "dark" ? "Light" : "Dark";
  button.setAttribute("aria-label", `Switch to ${name === "dark" ? "light" : "dark"} colours`);
  window.kappredict?.redraw();
}

document.getElementById("theme").hidden = false;
document.getElementById("theme").addEventListener("click", () => theme(root.dataset.theme === "dark" ? "light" : "dark"));
dark.addEventListener("change", () => theme(dark.matches ? "dark" : "light"));
theme(dark.matches ? "dark" : "light");
start();
