// Draws the charts of a page anew with Plotly, in the place of their pictures: with figures under the mouse, and zoom.
// Plotly comes before, where it can be had: else the pictures stay.
"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const finger = matchMedia("(pointer: coarse)"); // a page is scrolled by it: nothing is zoomed
  const NAME = 60; // pixels for the name of a bucket below a chart
  const charts = [];

  // What a name of a colour stands for now: the scheme of the page decides.
  function colours(place) {
    const probe = place.appendChild(document.createElement("i"));
    const known = new Map();
    const colour = (name) => {
      if (!known.has(name)) {
        probe.style.color = name;
        known.set(name, getComputedStyle(probe).color);
      }
      return known.get(name);
    };
    // What is no colour by its place stays: a model may be called as one is.
    const coloured = (part, of = "") => {
      if (Array.isArray(part)) return part.map((inner) => coloured(inner));
      if (part && typeof part === "object") {
        return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, coloured(inner, name)]));
      }
      return of.endsWith("color") && /^var\(--\w+\)$/.test(part) ? colour(part) : part;
    };
    return [coloured, () => probe.remove()];
  }

  function figure(chart) {
    const [coloured, done] = colours(chart.place);
    const { data, layout } = coloured(chart.made);
    done();
    layout.font.family = getComputedStyle(chart.place).fontFamily;
    layout.width = chart.place.clientWidth;
    layout.dragmode = finger.matches ? false : "zoom";
    layout.xaxis.fixedrange = finger.matches;
    const plot = layout.width - layout.margin.l - layout.margin.r;
    layout.xaxis.nticks = Math.max(1, Math.min(layout.xaxis.nticks, Math.floor(plot / NAME)));
    if (chart.shown) layout.xaxis.range = chart.shown; // what was zoomed to stays
    return [data, layout];
  }

  async function draw(chart) {
    const [data, layout] = figure(chart);
    await Plotly.react(chart.drawing, data, layout, { displayModeBar: false, showTips: false, scrollZoom: false });
    chart.width = layout.width;
  }

  // The picture is hidden when all is drawn, not before: both are of one size. On paper it is the picture that is seen.
  async function replace(place) {
    const picture = place.querySelector("svg");
    const drawing = document.createElement("div");
    const chart = { place, drawing, made: JSON.parse(place.parentNode.querySelector("script").textContent) };
    drawing.className = "anew";
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", picture.getAttribute("aria-label"));
    place.append(drawing);
    try {
      await draw(chart);
    } catch (problem) {
      drawing.remove();
      throw problem;
    }
    picture.setAttribute("visibility", "hidden");
    drawing.classList.add("ready");
    drawing.on("plotly_relayout", (change) => {
      const [from, to] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      if (from !== undefined) chart.shown = [from, to];
      if (change["xaxis.autorange"] || change["xaxis.range"]) chart.shown = undefined;
    });
    charts.push(chart);
    watch.observe(place);
  }

  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const chart = charts.find(({ place }) => place === target);
      if (chart && target.clientWidth && target.clientWidth !== chart.width) draw(chart);
    }
  });

  async function start() {
    if (!window.Plotly) return;
    for (const place of document.querySelectorAll(".chart .drawing")) {
      try {
        await replace(place);
      } catch (problem) {
        console.error("A chart stays as its picture.", problem);
      }
    }
    const again = () => charts.forEach(draw);
    dark.addEventListener("change", again);
    finger.addEventListener("change", again);
  }

  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
