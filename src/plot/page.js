// Shows the trial under the pointer; a click or a drawn rectangle chooses trials in every figure.
(() => {
  "use strict";
  const tip = document.getElementById("tip");
  const bar = document.getElementById("chosen");
  const chosen = new Set();
  const read = new WeakMap();
  const visible = new Set();
  let trials = null;
  let drag = null;

  // The data is parsed when it is first asked for: opening the page does not wait for it.
  const trial = (number) => {
    if (!trials) {
      const all = JSON.parse(document.getElementById("trials").textContent);
      trials = { names: all.names, states: all.states, rows: new Map(all.rows.map((r) => [r[0], r])) };
    }
    return trials.rows.get(number);
  };

  const describe = (number) => {
    const row = trial(number);
    if (!row) return `trial ${number}`;
    const lines = [`trial ${number}: ${trials.states[row[1]]}`];
    row[2].forEach((v, i) => lines.push(`${row[2].length > 1 ? `value ${i}` : "value"} = ${v}`));
    row[3].forEach((v, i) => v !== null && lines.push(`${trials.names[i]} = ${v}`));
    return lines.slice(0, 24).join("\n");
  };

  // A path's points as boxes (left, top, width, height) and their trials.
  const pointsOf = (path) => {
    let points = read.get(path);
    if (points) return points;
    const box = [];
    for (const m of path.getAttribute("d").matchAll(/M(-?\d+) (-?\d+)(?:h(\d+)(?:V(-?\d+))?)?/g))
      box.push(+m[1], +m[2], +(m[3] || 0), m[4] === undefined ? 0 : m[4] - m[2]);
    let last = 0;
    const number = path.dataset.n.split(" ").map((d) => (last += +d));
    points = { box, number };
    read.set(path, points);
    return points;
  };

  const place = (svg, event) => {
    const r = svg.getBoundingClientRect();
    const k = svg.viewBox.baseVal.width / r.width;
    return [(event.clientX - r.left) * k, (event.clientY - r.top) * k];
  };

  const panelAt = (svg, [x, y]) =>
    [...svg.querySelectorAll("g[data-f]")].find((g) => {
      const [l, t, r, b] = g.dataset.f.split(" ").map(Number);
      return x >= l - 12 && x <= r + 12 && y >= t - 12 && y <= b + 12;
    });

  const nearest = (panel, [x, y]) => {
    let best = { d: 24 * 24 };
    for (const path of panel.querySelectorAll("path[data-n]")) {
      const { box, number } = pointsOf(path);
      for (let i = 0, k = 0; i < box.length; i += 4, k++) {
        const dx = Math.max(box[i] - x, 0, x - box[i] - box[i + 2]);
        const dy = Math.max(box[i + 1] - y, 0, y - box[i + 1] - box[i + 3]);
        if (dx * dx + dy * dy < best.d) best = { d: dx * dx + dy * dy, number: number[k], x: box[i], y: box[i + 1] };
      }
    }
    return best.number === undefined ? null : best;
  };

  const element = (name, attributes, parent) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) e.setAttribute(key, attributes[key]);
    return parent.appendChild(e);
  };

  const paint = (svg) => {
    svg.querySelectorAll(".sel").forEach((e) => e.remove());
    svg.classList.toggle("dim", chosen.size > 0);
    if (chosen.size === 0) return;
    for (const panel of svg.querySelectorAll("g[data-f]")) {
      let d = "";
      for (const path of panel.querySelectorAll("path[data-n]")) {
        const { box, number } = pointsOf(path);
        number.forEach((n, k) => {
          if (chosen.has(n)) d += `M${box[4 * k]} ${box[4 * k + 1]}h${box[4 * k + 2]}`;
        });
      }
      if (d) element("path", { class: "sel", d }, panel);
    }
  };

  const repaint = () => {
    visible.forEach(paint);
    bar.hidden = chosen.size === 0;
    if (chosen.size === 1) bar.textContent = `${describe([...chosen][0])}\nEscape lets go`;
    else bar.textContent = `${chosen.size} trials chosen; Escape lets go`;
  };

  const hover = (svg, event) => {
    const at = place(svg, event);
    const panel = panelAt(svg, at);
    const found = panel && nearest(panel, at);
    document.querySelectorAll(".near").forEach((e) => e.remove());
    tip.hidden = !found;
    if (!found) return;
    element("circle", { class: "near", cx: found.x, cy: found.y, r: 9 }, panel);
    tip.textContent = describe(found.number);
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
  };

  const stretch = (event) => {
    const [x, y] = place(drag.svg, event);
    const [x0, y0] = drag.at;
    if (!drag.rect && Math.abs(x - x0) + Math.abs(y - y0) < 12) return;
    drag.rect ??= element("rect", { class: "brush" }, drag.panel);
    const size = { x: Math.min(x, x0), y: Math.min(y, y0), width: Math.abs(x - x0), height: Math.abs(y - y0) };
    for (const key in size) drag.rect.setAttribute(key, size[key]);
    drag.size = size;
  };

  const choose = () => {
    const { x, y, width, height } = drag.size;
    for (const path of drag.panel.querySelectorAll("path[data-n]")) {
      const { box, number } = pointsOf(path);
      number.forEach((n, k) => {
        const px = box[4 * k];
        const py = box[4 * k + 1];
        if (px >= x && px <= x + width && py >= y && py <= y + height) chosen.add(n);
      });
    }
  };

  const release = (event) => {
    if (!drag) return;
    if (!event.shiftKey) chosen.clear();
    if (drag.size) {
      choose();
    } else {
      const found = nearest(drag.panel, drag.at);
      if (found) chosen.add(found.number);
    }
    drag.rect?.remove();
    drag = null;
    repaint();
  };

  const watch = new IntersectionObserver((entries) => {
    for (const e of entries) {
      if (e.isIntersecting) visible.add(e.target), paint(e.target);
      else visible.delete(e.target);
    }
  });
  for (const svg of document.querySelectorAll("svg.plot")) {
    watch.observe(svg);
    svg.addEventListener("pointermove", (event) => (drag ? stretch(event) : hover(svg, event)));
    svg.addEventListener("pointerleave", () => (tip.hidden = true));
    svg.addEventListener("pointerdown", (event) => {
      const at = place(svg, event);
      const panel = event.button === 0 && panelAt(svg, at);
      if (panel) (drag = { svg, panel, at }), event.preventDefault();
    });
  }
  addEventListener("pointerup", release);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") chosen.clear(), repaint();
  });
})();
