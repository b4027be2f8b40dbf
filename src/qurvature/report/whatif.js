"use strict";
(() => {
  const { functions } = window.qurvature;
  const data = JSON.parse(document.getElementById("whatif-data").textContent);
  const LINES = ["form", "load", "encode", "invert", "repeat", "norm", "read_out"];
  const YEAR_S = 365.25 * 86400;

  // What is null is as in the run; the rest is said by the sliders.
  const first = Object.keys(data.machines)[0];
  const fresh = (machine) => ({
    machine, oracle: data.machines[machine].oracle, readout: data.machines[machine].readout,
    loads_free: data.machines[machine].loads_free,
    gate_s: null, epsilon: null, n: null, kappa: null, offer: "",
  });
  let setting = fresh(first);

  // ---- Prices: the same stages as in Python, one after the other.
  const follow = (at, said, stages) => {
    for (const stage of stages) {
      for (const [name, value] of Object.entries(functions[stage](at))) {
        if (!(name in said)) at[name] = value;
      }
    }
  };

  const start = (offer, said, extra = {}) => ({ ...data.common, ...data.points[offer.point], ...extra, ...said });

  const sum = (lines) => Object.values(lines).reduce((total, line) => total + line, 0);

  const classical = (offer, chosen) => {
    const { gate_s, ...said } = chosen;
    const at = start(offer, said);
    follow(at, said, offer.stages);
    const lines = functions[offer.lines](at);
    return { ...offer, lines, seconds: sum(lines), resources: {}, why: "" };
  };

  const quantum = (offer, chosen, s) => {
    const machine = data.machines[s.machine];
    const circuit = data.circuits[machine.synthesis][offer.access][s.oracle];
    const at = start(offer, chosen, machine.point);
    follow(at, chosen, [...offer.stages[s.readout], circuit.run]);
    if (machine.clock !== null) follow(at, chosen, [machine.clock]);
    follow(at, chosen, [circuit.run]);
    const lines = functions[circuit.lines](at);
    if (s.loads_free) data.dropped.load.forEach((line) => delete lines[line]);
    if (s.readout === "free") data.dropped.read.forEach((line) => delete lines[line]);
    const made = functions[machine.made](at);
    const resources = { step_s: at.gate_s, ...made };
    for (const name of ["logical_qubits", "logical_steps", "toffoli", "t_equivalent"]) resources[name] = at[name];
    const seconds = sum(lines);
    return { ...offer, machine: s.machine, lines, seconds, resources, why: refusal(seconds, made) };
  };

  const refusal = (seconds, made) => {
    if (made.error_ratio >= 1) return "infeasible because the physical error is above the threshold: no distance exists";
    if (made.magic_missing > 0) return "infeasible because no distillation makes magic states so good";
    if (seconds === Infinity) return "beyond 1e308 seconds";
    return Number.isFinite(seconds) ? "" : "infeasible because a formula has no value here";
  };

  const said = (s) => Object.fromEntries(
    ["gate_s", "epsilon", "n", "kappa"].filter((k) => s[k] !== null).map((k) => [k, s[k]]),
  );

  const price = (s) => {
    const chosen = said(s);
    const offers = data.quantum.map((offer) => quantum(offer, chosen, s));
    const rivals = data.classical.map((offer) => classical(offer, chosen));
    return { quantum: offers.sort(cheaper), classical: rivals.sort(cheaper) };
  };

  const cheaper = (a, b) => (a.why ? 1 : 0) - (b.why ? 1 : 0) || a.seconds - b.seconds;
  window.qurvature.price = price;

  // ---- Words.
  const number = (x, digits = 3) => {
    if (!Number.isFinite(x)) return "∞";
    if (x === 0) return "0";
    if (Number.isInteger(x) && Math.abs(x) < 1e6) return x.toLocaleString("en");
    const text = Number(x.toPrecision(digits));
    return Math.abs(x) >= 1e5 || Math.abs(x) < 1e-3
      ? text.toExponential().replace("e+", "e")
      : text.toLocaleString("en", { maximumFractionDigits: 6 });
  };
  const UNITS = [[1e-6, 1e-9, "ns"], [1e-3, 1e-6, "µs"], [1, 1e-3, "ms"], [120, 1, "s"], [7200, 60, "min"],
    [2 * 86400, 3600, "h"], [2 * YEAR_S, 86400, "days"]];
  const duration = (s) => {
    if (s === undefined) return "–";
    if (s === 0) return "0 s";
    if (s < 1e-9) return `${number(s, 2)} s`;
    for (const [below, unit, name] of UNITS) if (s < below) return `${number(s / unit, 2)} ${name}`;
    return `${number(s / YEAR_S, 2)} years`;
  };
  const spoken = (o) => `${o.solver} via ${o.access} access on ${o.machine}`;
  const times = (ratio) => (ratio >= 1 ? `wins by a factor of ${number(ratio, 2)}` : `loses by a factor of ${number(1 / ratio, 2)}`);

  const verdict = (best, rival, baseline) => {
    const forbidden = data.machines[setting.machine].realism === "hypothetical_nonphysical"
      || (setting.gate_s !== null && setting.gate_s < data.machines[setting.machine].light_s);
    const free = [];
    if (setting.oracle === "free" || setting.oracle === "unit") free.push("look-up");
    if (setting.loads_free) free.push("loading");
    if (setting.readout === "free") free.push("readout");
    const where = (forbidden ? "On a machine that nature forbids, with a clock that outruns light, " : "")
      + (free.length ? `${forbidden ? "and" : "With"} free ${free.join(" and ")} by assumption, ` : "");
    if (!best || best.why) return `${where}no quantum offer has a price here: ${best ? best.why : "none was made"}.`;
    const head = `${where}quantum ${times(rival.seconds / best.seconds)} against the best classical offer, in modelled seconds: `
      + `${spoken(best)} takes ${duration(best.seconds)}, ${spoken(rival)} takes ${duration(rival.seconds)}.`;
    const tail = baseline
      ? ` Against LU, the paper's baseline, it ${times(baseline.seconds / best.seconds)}.`
      : " There is no LU offer to hold it against.";
    const holds = Object.entries(data.machines[setting.machine].holds)
      .filter(([name, size]) => best.resources[name] > size * (1 + 1e-9))
      .map(([name, size]) => ` It needs ${number(best.resources[name])} ${name.replace("_", " ")}; the machine holds ${number(size)}.`);
    return head.charAt(0).toUpperCase() + head.slice(1) + tail + holds.join("");
  };

  // ---- What a number rests on.
  const ground = (offer, line) => {
    const g = data.grounds;
    if (offer.machine in g.rates) return line === "form" ? g.rates[offer.machine] : `${g.solver[offer.solver]}; ${g.rates[offer.machine]}`;
    const clock = setting.gate_s === null ? g.clock[offer.machine] : `logical step: assumed, set on this page`;
    const solver = g.solver[offer.solver];
    const lookup = g.lookup[setting.oracle];
    return {
      form: [g.form],
      load: [g.load[offer.machine]],
      encode: [lookup, g.access[offer.access], solver, clock],
      invert: [solver, clock],
      repeat: [solver, lookup, clock],
      norm: [g.norm, solver, lookup, clock],
      read_out: [g.readout[setting.readout], solver, lookup, clock],
      energy_j: [g.power[offer.machine]],
      step_s: [clock],
      distance: [g.clock[offer.machine]],
      factories: [g.clock[offer.machine]],
      physical_qubits: [g.clock[offer.machine], lookup],
    }[line]?.join("; ") || `${lookup}; ${g.access[offer.access]}; ${solver}`;
  };

  // ---- The page.
  const place = (id) => document.getElementById(`whatif-${id}`);
  const element = (name, text = "", attributes = {}) => {
    const made = document.createElement(name);
    made.textContent = text;
    Object.entries(attributes).forEach(([k, v]) => made.setAttribute(k, v));
    return made;
  };

  const RESOURCES = {
    step_s: "logical step", logical_qubits: "logical qubits", logical_steps: "logical steps of one state",
    toffoli: "Toffoli gates of one state", t_equivalent: "T gates of one state", distance: "code distance",
    factories: "magic-state factories", physical_qubits: "physical qubits", energy_j: "energy",
  };

  const scale = (columns) => {
    const known = columns.flatMap((o) => [o.seconds, ...Object.values(o.lines)]).filter((x) => x > 0 && Number.isFinite(x));
    const low = Math.log10(Math.min(...known)) - 0.5;
    const high = Math.log10(Math.max(...known));
    return (x) => (x > 0 ? Math.min(100, Math.max(1, (100 * (Math.log10(x) - low)) / (high - low))) : 0);
  };

  const drawLines = (columns) => {
    const wide = scale(columns.map(([, offer]) => offer));
    const head = element("tr");
    head.append(element("th", "line", { scope: "col" }));
    for (const [name, offer] of columns) {
      const cell = element("th", name, { scope: "col", title: ground(offer, "invert") });
      cell.append(element("small", `${offer.solver}/${offer.access}@${offer.machine}`));
      head.append(cell);
    }
    const body = element("tbody");
    for (const line of [...LINES, "total"]) {
      const row = element("tr", "", line === "total" ? { class: "total" } : {});
      row.append(element("th", line.replace("_", " "), { scope: "row" }));
      for (const [name, offer] of columns) {
        const value = line === "total" ? offer.seconds : offer.lines[line];
        const why = line === "total" ? "the sum of the lines above" : ground(offer, line);
        const cell = element("td", value ? duration(value) : "–", { "data-line": line, "data-of": name, title: value ? why : "costs nothing here" });
        if (value !== undefined) cell.dataset.value = value;
        cell.append(element("span", "", { class: "bar", style: `width:${wide(value)}%`, "aria-hidden": "true" }));
        row.append(cell);
      }
      body.append(row);
    }
    const top = element("thead");
    top.append(head);
    place("lines").replaceChildren(top, body);
  };

  const drawResources = (best) => {
    const shown = Object.entries(RESOURCES).filter(([name]) => Number.isFinite(best.resources[name]));
    place("resources").replaceChildren(...shown.map(([name, words]) => {
      const value = best.resources[name];
      const text = name === "step_s" ? duration(value) : `${number(value)}${name === "energy_j" ? " J" : ""}`;
      const item = element("div", "", { title: ground(best, name) });
      const dd = element("dd", text, { "data-resource": name });
      dd.dataset.value = value;
      item.append(element("dt", words), dd);
      return item;
    }));
  };

  const drawOffers = (offers) => {
    place("offers").replaceChildren(...offers.slice(0, 60).map((o) => {
      const item = element("li", `${o.solver}/${o.access}@${o.machine}: `, { title: ground(o, "invert") });
      item.append(element("b", o.why || duration(o.seconds)));
      return item;
    }));
  };

  const shownValue = {
    gate_s: (v) => (v === null ? "the machine's own" : duration(v)),
    epsilon: number, n: number, kappa: number,
  };

  const update = () => {
    const found = price(setting);
    const best = setting.offer ? found.quantum.find((o) => `${o.solver}/${o.access}` === setting.offer) : found.quantum[0];
    const rival = found.classical[0];
    const baseline = found.classical.find((o) => o.solver === data.baseline && !o.why);
    place("verdict").textContent = verdict(best, rival, baseline);
    const columns = [["quantum", best], ["best classical", rival], ["LU, the paper's baseline", baseline]];
    drawLines(columns.filter(([, offer]) => offer && !offer.why));
    drawResources(best);
    drawOffers([...found.quantum, ...found.classical].sort(cheaper));
    for (const name of Object.keys(data.sliders)) {
      const value = setting[name] === null && name !== "gate_s" ? data.start[name] : setting[name];
      place(`${name}-value`).textContent = shownValue[name](value) + (setting[name] === null && name !== "gate_s" ? ", as in the run" : "");
    }
    place("machine-about").textContent = data.machines[setting.machine].description;
    place("oracle").title = data.grounds.lookup[setting.oracle];
    place("readout").title = data.grounds.readout[setting.readout];
    window.qurvature.setting = setting;
    window.qurvature.best = best;
    window.qurvature.rival = rival;
  };

  const show = () => {
    for (const [name, [low, high]] of Object.entries(data.sliders)) {
      const at = setting[name] ?? (name === "gate_s" ? data.machines[setting.machine].point.gate_s ?? 1e-5 : data.start[name]);
      place(name).value = Math.min(high, Math.max(low, Math.log10(at)));
    }
    for (const name of ["machine", "oracle", "readout", "offer"]) place(name).value = setting[name];
    place("loads_free").checked = setting.loads_free;
    place("loads_free").disabled = data.machines[setting.machine].loads_free;  // it states no rate
    place("own").checked = setting.gate_s === null;
    update();
  };

  for (const name of Object.keys(data.sliders)) {
    place(name).addEventListener("input", (event) => {
      const value = 10 ** Number(event.target.value);
      setting = { ...setting, [name]: name === "n" ? Math.round(value) : value };
      if (name === "gate_s") place("own").checked = false;
      update();
    });
  }
  for (const name of ["oracle", "readout", "offer"]) {
    place(name).addEventListener("input", (event) => {
      setting = { ...setting, [name]: event.target.value };
      update();
    });
  }
  place("machine").addEventListener("input", (event) => {
    const { epsilon, n, kappa, offer } = setting;
    setting = { ...fresh(event.target.value), epsilon, n, kappa, offer };
    show();
  });
  place("loads_free").addEventListener("input", (event) => {
    setting = { ...setting, loads_free: event.target.checked };
    update();
  });
  place("own").addEventListener("input", (event) => {
    setting = { ...setting, gate_s: event.target.checked ? null : 10 ** Number(place("gate_s").value) };
    update();
  });
  place("reset").addEventListener("click", () => {
    setting = fresh(first);
    show();
  });
  show();
})();
