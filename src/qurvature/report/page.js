"use strict";
(() => {
  const { datasets, charts } = JSON.parse(document.getElementById("payload").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const places = [...document.querySelectorAll("[data-chart]")];
  let round = 0;

  // Data come by columns; every chart gets rows of its own, since Vega writes into them.
  const rows = (columns) => {
    const names = Object.keys(columns);
    return columns[names[0]].map((_, i) => Object.fromEntries(names.map((n) => [n, columns[n][i]])));
  };

  const names = (spec, found = new Set()) => {
    if (spec && typeof spec === "object") {
      if (spec.data && spec.data.name in datasets) found.add(spec.data.name);
      Object.values(spec).forEach((part) => names(part, found));
    }
    return found;
  };

  const theme = (width) => {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim();
    const soft = style.getPropertyValue("--soft").trim();
    const line = style.getPropertyValue("--line").trim();
    const font = getComputedStyle(document.body).fontFamily;
    return {
      font,
      background: "transparent",
      view: { stroke: "transparent" },
      padding: { left: 2, right: 8, top: 4, bottom: 2 },
      axis: {
        labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line,
        labelFontSize: 11, titleFontSize: 11, titleFontWeight: 500, titlePadding: 8, tickSize: 4,
        labelLimit: Math.max(120, width * 0.42),
      },
      axisY: { domain: false, ticks: false, labelPadding: 6 },
      legend: {
        labelColor: ink, titleColor: soft, labelFontSize: 12, symbolSize: 80, symbolStrokeWidth: 2,
        rowPadding: 3, columnPadding: 14, offset: 10, labelLimit: Math.max(160, width - 40),
      },
    };
  };

  const draw = async (place, turn) => {
    const spec = structuredClone(charts[place.dataset.chart]);
    spec.datasets = Object.fromEntries([...names(spec)].map((n) => [n, rows(datasets[n])]));
    try {
      const result = await window.vegaEmbed(place, spec, {
        ast: true,
        renderer: "svg",
        actions: { export: true, source: false, compiled: false, editor: false },
        config: theme(place.clientWidth),
        tooltip: { theme: dark.matches ? "dark" : "light" },
      });
      if (turn !== round) result.finalize();
    } catch (error) {
      place.textContent = `This chart could not be drawn: ${error.message}`;
      place.classList.add("failed");
    }
  };

  const drawAll = async () => {
    round += 1;
    const turn = round;
    document.documentElement.dataset.drawn = "no";
    for (const place of places) await draw(place, turn);
    if (turn === round) document.documentElement.dataset.drawn = "yes";
  };

  dark.addEventListener("change", drawAll);
  drawAll();
})();
