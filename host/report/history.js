"use strict";
// The runs that are asked for: their trends, layers and table, and any two runs side by side. All text is text.
(() => {
  const ROWS = 25, POINTS = 240, NARROW = "\u202f";
  const one = id => document.getElementById(id);
  const data = JSON.parse(one("data").textContent);
  const runs = data.runs.map(row => {
    const run = Object.fromEntries(data.members.map((name, place) => [name, row[place]]));
    [run.model, run.board, run.tier, run.backend, run.unit] = data.series[run.series];
    run.short = (run.commit.slice(0, 10) || "-") + (run.dirty ? "+" : "");
    run.text = [run.id, run.recorded, run.commit, run.branch, run.build_id, run.state, run.model, run.board]
      .join(" ").toLowerCase();
    run.cost = run.model_cost === null ? null : run.model_cost + (run.frontend || 0);
    return run;
  });
  const byId = new Map(runs.map(run => [run.id, run]));
  const costs = run => data.costs[run.costs];
  let page = 0, asked = [];

  const make = (name, content, kind) => {
    const node = document.createElement(name);
    if (kind) node.className = kind;
    node.append(...(Array.isArray(content) ? content : [content]));
    return node;
  };
  const count = value => value === null || value === undefined ? "-"
    : Number.isInteger(value) ? String(value).replace(/\B(?=(\d{3})+$)/g, NARROW) : value.toFixed(2);
  const growth = (before, now) => before ? 100 * (now - before) / before : 0;
  const signed = percent => (percent < 0 ? "-" : "+") + Math.abs(percent).toFixed(2) + NARROW + "%";
  // How much a figure grew; what cycles do from run to run is neither better nor worse.
  const change = (before, now, {unit = "", moreIsBetter = false} = {}) => {
    if (typeof before !== "number" || typeof now !== "number") return make("td", "", "n");
    if (before === now) return make("td", "=", "n same");
    const grown = growth(before, now), quiet = unit === "cycles" && Math.abs(grown) <= data.noise;
    const kind = quiet ? "same" : (now > before) !== moreIsBetter ? "worse" : "better";
    return make("td", before ? signed(grown) : "new", `n ${kind}`);
  };
  const row = (cells, kind) => make("tr", cells, kind);
  const figure = (value, unit) => {
    const cell = make("td", count(value), "n");
    if (unit) cell.dataset.unit = unit;
    return cell;
  };
  const what = (strong, soft) => make("td", [make("b", strong, "name"), make("span", soft, "name")], "what");
  const button = (text, act) => {
    const node = make("button", text);
    node.type = "button";
    node.addEventListener("click", act);
    return node;
  };

  // Of many values the least and the most of each stretch, so that no peak is lost.
  const thinned = values => {
    if (values.length <= POINTS) return values.map((value, place) => [place, value]);
    const size = values.length / (POINTS / 2), found = [];
    for (let start = 0; start < values.length; start += size) {
      const part = values.slice(Math.floor(start), Math.floor(start + size)).map((v, i) => [Math.floor(start) + i, v]);
      if (!part.length) continue;
      const low = part.reduce((a, b) => b[1] < a[1] ? b : a), high = part.reduce((a, b) => b[1] > a[1] ? b : a);
      found.push(...[low, high].sort((a, b) => a[0] - b[0]));
    }
    return found;
  };
  const curve = (values, kind, says) => {
    const shape = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    shape.setAttribute("viewBox", "0 0 100 100");
    shape.setAttribute("preserveAspectRatio", "none");
    shape.setAttribute("class", kind);
    shape.setAttribute("role", "img");
    shape.setAttribute("aria-label", says);
    const low = Math.min(...values), high = Math.max(...values), last = Math.max(values.length - 1, 1);
    const y = value => high === low ? 50 : 94 - 88 * (value - low) / (high - low);
    const points = thinned(values).map(([place, value]) => `${(100 * place / last).toFixed(2)} ${y(value).toFixed(2)}`);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", `M${points.join("L")}${points.length === 1 ? "h100" : ""}`);
    shape.append(path);
    return shape;
  };
  const plot = (title, found, member) => {
    const values = found.map(run => run[member]).filter(value => value !== null);
    if (!values.length) return [];
    const first = values[0], last = values[values.length - 1];
    if (values.every(value => value === first))
      return [make("figure", [make("figcaption", title), make("div", count(first), "flat figure"),
        make("div", `the same in ${count(values.length)} runs`, "ends")], "card")];
    const ends = make("div", [make("span", `${count(first)}`, "n"), make("span", `${count(last)}`, "n")], "ends");
    const says = `${title}: from ${count(first)} to ${count(last)} over ${values.length} runs`;
    return [make("figure", [make("figcaption", title), curve(values, "", says), ends], "card")];
  };

  const trends = () => {
    // A line is of one model on one board: of several, the last run's is drawn.
    const last = asked[asked.length - 1];
    const found = last ? asked.filter(run => run.series === last.series && run.state === "Exact") : [];
    one("said").textContent = !last ? "No run of that kind."
      : `${count(found.length)} exact runs of ${last.model} on ${last.board}, ${last.backend}`
        + (found.length < asked.length ? `, of ${count(asked.length)} runs that were asked for.` : ".");
    one("plots").replaceChildren(
      ...plot(`one inference, in ${last ? last.unit : ""}`, found, "cost"),
      ...plot("flash, in bytes", found, "flash"), ...plot("RAM, in bytes", found, "ram"),
      ...plot("stack, in bytes", found, "stack"),
      ...plot("code that the vectors reach, in percent", found, "code"),
      ...plot("constants that the vectors reach, in percent", found, "constants"));
    layers(found);
  };
  const layers = found => {
    const last = found[found.length - 1];
    const same = last && last.unit !== "none" ? found.filter(run => run.layers === last.layers) : [];
    one("layered").textContent = !last ? "" : last.unit === "none" ? "Nothing is counted on this board."
      : `In ${last.unit}` + (same.length < found.length
        ? `, of the ${count(same.length)} runs whose layers are those of run ${last.id}; the others have other layers.` : ".");
    one("layers").replaceChildren(...(same.length ? data.layers[last.layers] : []).map(([index, op, name], place) => {
      const values = same.map(run => costs(run)[place]).filter(value => value !== null);
      const [first, now] = [values[0], values[values.length - 1]];
      const trend = make("td", values.length ? curve(values, "spark", `${op}: ${count(first)} to ${count(now)}`) : "", "trend");
      return row([make("td", String(index), "n op"), what(op, name), trend, figure(first, "first"),
        figure(now, "last"), change(first, now, last)]);
    }));
  };

  // Which places of two lists are one layer: the same ops in the same order, else names that stand once in each.
  const aligned = (before, now) => {
    if (before.length === now.length && before.every((layer, i) => layer[0] === now[i][0] && layer[1] === now[i][1]))
      return now.map((layer, i) => [i, i]);
    const once = layers => {
      const found = new Map();
      layers.forEach((layer, i) => {
        const key = `${layer[1]} ${layer[2]}`;
        found.set(key, found.has(key) ? -1 : i);
      });
      return found;
    };
    const [first, second] = [once(before), once(now)];
    return [...second].filter(([key, i]) => i >= 0 && first.get(key) >= 0).map(([key, i]) => [first.get(key), i]);
  };
  const compare = () => {
    const [a, b] = [byId.get(Number(one("a").value)), byId.get(Number(one("b").value))];
    one("changes").replaceChildren();
    if (!a || !b) {
      one("compared").textContent = "Give the numbers of two runs.";
      return;
    }
    const names = ["model", "kind of board", "compiler"];
    const unlike = names.filter((name, i) => data.alike[a.alike][i] !== data.alike[b.alike][i]);
    if (a.tier !== b.tier) unlike.push("tier");
    if (a.backend !== b.backend) unlike.push("backend");
    if (a.unit !== b.unit) unlike.push("unit of costs");
    if (b.unit === "cycles" && a.board !== b.board) unlike.push("board");
    const [old, now] = [data.layers[a.layers], data.layers[b.layers]], pairs = aligned(old, now);
    const lost = old.length + now.length - 2 * pairs.length;
    one("compared").textContent = `${a.short}, ${a.branch || "no branch"}, ${a.state}, against `
      + `${b.short}, ${b.branch || "no branch"}, ${b.state}. `
      + (unlike.length ? `Costs are void: another ${unlike.join(", another ")}. ` : "")
      + (lost ? `${lost} layers are in one of them only.` : "");
    one("compared").className = unlike.length ? "void" : "";
    one("before").textContent = `run ${a.id}`;
    one("now").textContent = `run ${b.id}`;
    const rows = [];
    let same = 0;
    const line = (name, soft, x, y, how) => {
      if (x === y) same += 1;
      else rows.push(row([what(name, soft), figure(x, `run ${a.id}`), figure(y, `run ${b.id}`), change(x, y, how)]));
    };
    if (!unlike.length && b.unit !== "none") {
      if (b.frontend !== null) line("frontend", b.unit, a.frontend, b.frontend, b);
      line("model", b.unit, a.model_cost, b.model_cost, b);
      for (const [i, k] of pairs) line(`layer ${now[k][0]} ${now[k][1]}`, now[k][2], costs(a)[i], costs(b)[k], b);
    }
    for (const name of ["flash", "engine_flash", "ram", "arena", "stack"])
      line(name.replace("_", " "), "bytes", a[name], b[name]);
    for (const name of ["code", "constants"])
      if (a[name] !== null || b[name] !== null) line(`${name} reached`, "percent", a[name], b[name], {moreIsBetter: true});
    if (same) rows.push(row([make("td", `${same} other figures are the same`, "same"), ...["", "", ""].map(x => make("td", x))]));
    one("changes").replaceChildren(...rows);
  };
  const choose = (a, b) => {
    if (a !== undefined) one("a").value = a;
    if (b !== undefined) one("b").value = b;
    table();
    compare();
  };

  const table = () => {
    const pages = Math.max(Math.ceil(asked.length / ROWS), 1);
    page = Math.min(Math.max(page, 0), pages - 1);
    const newest = asked.length - page * ROWS;
    one("runs").replaceChildren(...asked.slice(Math.max(newest - ROWS, 0), newest).reverse().map(run => {
      const acts = ["a", "b"].map(side => {
        const node = button(side === "a" ? "run" : "against", () => choose(...(side === "a" ? [run.id] : [undefined, run.id])));
        node.setAttribute("aria-pressed", String(Number(one(side).value) === run.id));
        node.setAttribute("aria-label", `compare ${side === "a" ? "run" : "against"} ${run.id}`);
        return node;
      });
      return row([make("td", String(run.id), "n op"),
        what(`${run.short} ${run.branch}`, `${run.model} on ${run.board}, ${run.backend}, ${run.recorded}`),
        make("td", run.state, run.state === "Exact" ? "better" : "worse"), figure(run.cost, run.unit), figure(run.flash, "flash"),
        figure(run.ram, "RAM"), make("td", [acts[0], " ", acts[1]], "acts")]);
    }));
    one("shown").textContent = `${count(asked.length)} runs, page ${count(page + 1)} of ${count(pages)}`;
    one("newer").disabled = page === 0;
    one("older").disabled = page === pages - 1;
  };
  const ask = () => {
    const [series, branch, state] = ["series", "branch", "state"].map(id => one(id).value);
    const words = one("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    asked = runs.filter(run => (series === "" || run.series === Number(series)) && (branch === "" || run.branch === branch.slice(1))
      && (state === "" || run.state === state) && words.every(word => run.text.includes(word)));
    page = 0;
    table();
    trends();
  };

  const fill = (id, options) => one(id).replaceChildren(...options.map(([value, text]) => {
    const node = make("option", text);
    node.value = value;
    return node;
  }));
  const distinct = member => [...new Set(runs.map(run => run[member]))].sort();
  fill("series", [["", "all"], ...data.series.map(([model, board, tier, backend], i) =>
    [String(i), `${model} on ${board}${tier === board ? "" : ` (${tier})`}, ${backend}`])]);
  fill("branch", [["", "all"], ...distinct("branch").map(name => [`=${name}`, name || "no branch"])]);
  fill("state", [["", "all"], ...distinct("state").map(name => [name, name])]);
  for (const id of ["series", "branch", "state"]) one(id).addEventListener("change", ask);
  one("search").addEventListener("input", ask);
  one("ask").addEventListener("submit", event => event.preventDefault());
  for (const id of ["a", "b"]) one(id).addEventListener("input", () => { table(); compare(); });
  one("newer").addEventListener("click", () => { page -= 1; table(); });
  one("older").addEventListener("click", () => { page += 1; table(); });
  for (const node of document.querySelectorAll("#worse button"))
    node.addEventListener("click", () => {
      choose(Number(node.dataset.a), Number(node.dataset.b));
      one("comparison").scrollIntoView();
    });

  const last = runs[runs.length - 1];
  const before = runs.filter(run => run.series === last.series && run.id !== last.id).pop() || last;
  ask();
  choose(before.id, last.id);
})();
