"use strict";
/* Draws the figures of the page in the colours of the reader's scheme, for the run that is chosen. */
(() => {
  document.documentElement.classList.add("scripted");
  const page = JSON.parse(document.getElementById("figures").textContent);
  const chooser = document.getElementById("run");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)").matches;
  const config = {
    displaylogo: false,
    displayModeBar: touch ? false : "hover",
    responsive: true,
    doubleClick: "reset",
    plotlyServerURL: "", /* and no button that would send the chart there */
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
  };

  const painted = (value, style) => {
    if (typeof value === "string") {
      return value.startsWith("var(--") ? style.getPropertyValue(value.slice(4, -1)).trim() : value;
    }
    if (Array.isArray(value)) {
      return value.map((item) => painted(item, style));
    }
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, painted(item, style)]));
    }
    return value;
  };

  const stale = new Set();

  /* A chart in a part that is folded has no size: it is drawn when the part is opened. */
  const draw = () => {
    const style = getComputedStyle(document.documentElement);
    const run = chooser === null ? 0 : chooser.selectedIndex;
    for (const id of stale) {
      if (document.getElementById(id).checkVisibility()) {
        const chart = page[id];
        const layout = painted(chart.layout, style);
        if (touch) {
          layout.dragmode = false; /* a finger on a chart scrolls the page */
        }
        Plotly.react(id, painted(chart.data[Math.min(run, chart.data.length - 1)], style), layout, config);
        stale.delete(id);
      }
    }
  };

  const show = () => {
    for (const row of document.querySelectorAll("tr[data-row]")) {
      row.classList.toggle("shown", chooser !== null && Number(row.dataset.row) === chooser.selectedIndex);
    }
    Object.keys(page).forEach((id) => stale.add(id));
    draw();
  };

  if (chooser !== null) {
    chooser.addEventListener("change", show);
  }
  for (const part of document.querySelectorAll("details")) {
    part.addEventListener("toggle", draw);
  }
  dark.addEventListener("change", show);
  show();
})();
