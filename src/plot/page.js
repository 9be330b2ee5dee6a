// Shows the trial under the pointer; a click or a drawn rectangle chooses trials in every figure.
(() => {
  "use strict";
  const tip = document.getElementById("tip");
  const bar = document.getElementById("chosen");
  const chosen = new Set();
  const read = new WeakMap(); // path: its points
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

  // All numbers of a text, in a tenth of the time that a regular expression takes.
  const numbers = (text) => {
    const found = new Int32Array((text.length + 1) >> 1);
    let n = 0;
    let value = -1;
    let sign = 1;
    for (let i = 0; i <= text.length; i++) {
      const c = text.charCodeAt(i) - 48;
      if (c >= 0 && c <= 9) {
        value = (value < 0 ? 0 : 10 * value) + c;
        continue;
      }
      if (value >= 0) {
        found[n++] = sign * value;
        sign = 1;
      }
      value = -1;
      if (c === -3) sign = -1;
    }
    return found.subarray(0, n);
  };

  // A path's points: `stride` numbers each, of which x, y and in boxes width and bottom; their trials.
  const STRIDE = { d: 3, o: 3, x: 10, q: 5 };
  const pointsOf = (path) => {
    let points = read.get(path);
    if (points) return points;
    const kind = path.classList[0];
    const all = numbers(path.getAttribute("d"));
    const stride = STRIDE[kind];
    const n = all.length / stride;
    points = { kind, n, x: new Float64Array(n), y: new Float64Array(n), w: new Float64Array(n), h: new Float64Array(n) };
    for (let i = 0, at = 0; i < n; i++, at += stride) {
      points.x[i] = all[at];
      points.y[i] = all[at + 1];
      if (kind === "q") {
        points.w[i] = all[at + 2];
        points.h[i] = all[at + 3] - all[at + 1];
      }
    }
    let last = 0;
    points.number = numbers(path.dataset.n ?? "").map((d) => (last += d));
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
      const p = pointsOf(path);
      for (let i = 0; i < p.n; i++) {
        const dx = Math.max(p.x[i] - x, 0, x - p.x[i] - p.w[i]);
        const dy = Math.max(p.y[i] - y, 0, y - p.y[i] - p.h[i]);
        const d = dx * dx + dy * dy;
        if (d < best.d) best = { d, number: p.number[i], x: p.x[i], y: p.y[i] };
      }
    }
    return best.number === undefined ? null : best;
  };

  const element = (name, attributes, parent) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) e.setAttribute(key, attributes[key]);
    return parent.appendChild(e);
  };

  // Marks are painted on a canvas above the axes, pixel by pixel: ten thousand of them take milliseconds that way. Without this
  // script the SVG shows them itself.
  class Sheet {
    constructor(svg, name) {
      const canvas = svg.parentNode.querySelector(`canvas.${name}`) ?? svg.parentNode.appendChild(document.createElement("canvas"));
      const box = svg.getBoundingClientRect();
      canvas.className = name;
      this.width = canvas.width = Math.max(1, Math.round(box.width * devicePixelRatio));
      this.height = canvas.height = Math.max(1, Math.round(box.height * devicePixelRatio));
      this.scale = this.width / svg.viewBox.baseVal.width;
      this.surface = getComputedStyle(svg).getPropertyValue("--s");
      this.context = canvas.getContext("2d");
      this.image = new ImageData(this.width, this.height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }

    // A mark's shape as offsets into the pixels, what covers them wholly first.
    shape(kind, size, color) {
      const half = Math.ceil((size * this.scale) / 2) + 1;
      const side = 2 * half + 1;
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = side;
      const c = canvas.getContext("2d", { willReadFrequently: true });
      c.translate(half + 0.5, half + 0.5);
      c.scale(this.scale, this.scale);
      c.fillStyle = c.strokeStyle = color;
      SHAPES[kind](c, size, this.surface);
      const data = new Uint32Array(c.getImageData(0, 0, side, side).data.buffer);
      const at = [];
      const value = [];
      data.forEach((v, i) => {
        if (v >>> 24 < 16) return;
        at.push((Math.floor(i / side) - half) * this.width + (i % side) - half);
        value.push(v);
      });
      return { half, at: Int32Array.from(at), value: Uint32Array.from(value) };
    }

    put(kind, size, color, points, wanted) {
      const { half, at, value } = this.shape(kind, size, color);
      const { pixels, scale } = this;
      for (let i = 0; i < points.n; i++) {
        const x = Math.round(points.x[i] * scale);
        const y = Math.round(points.y[i] * scale);
        if (x < half || y < half || x >= this.width - half || y >= this.height - half) continue;
        if (wanted && !wanted.has(points.number[i])) continue;
        for (let k = 0, to = y * this.width + x; k < at.length; k++)
          if (pixels[to + at[k]] >>> 24 <= value[k] >>> 24) pixels[to + at[k]] = value[k];
      }
    }

    // On whole pixels, so that neighbours leave no seam.
    putBoxes(color, points, wanted) {
      const [r, g, b] = numbers(color);
      const value = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
      for (let i = 0; i < points.n; i++) {
        if (wanted && !wanted.has(points.number[i])) continue;
        const left = Math.round(points.x[i] * this.scale);
        const top = Math.round(points.y[i] * this.scale);
        const right = Math.max(Math.round((points.x[i] + points.w[i]) * this.scale), left + 1);
        const bottom = Math.max(Math.round((points.y[i] + points.h[i]) * this.scale), top + 1);
        for (let y = top; y < Math.min(bottom, this.height); y++) this.pixels.fill(value, y * this.width + left, y * this.width + right);
      }
    }

    putLine(color, width, path) {
      this.flush();
      this.context.save();
      this.context.scale(this.scale, this.scale);
      this.context.strokeStyle = color;
      this.context.lineWidth = width;
      this.context.lineJoin = "round";
      this.context.stroke(new Path2D(path.getAttribute("d")));
      this.context.restore();
    }

    // What is in the pixels goes above what is on the canvas.
    flush() {
      const copy = document.createElement("canvas");
      copy.width = this.width;
      copy.height = this.height;
      copy.getContext("2d").putImageData(this.image, 0, 0);
      this.context.drawImage(copy, 0, 0);
      this.pixels.fill(0);
    }
  }

  const disc = (c, radius) => (c.beginPath(), c.arc(0, 0, radius, 0, 7));

  const SHAPES = {
    d: (c, size) => (disc(c, size / 2), c.fill()),
    o: (c, size, surface) => ((c.lineWidth = 2.5), disc(c, size / 2 - 1.2), c.stroke(), (c.fillStyle = surface), c.fill()),
    x: (c) => ((c.lineWidth = 3), c.beginPath(), c.moveTo(-4, -4), c.lineTo(4, 4), c.moveTo(-4, 4), c.lineTo(4, -4), c.stroke()),
  };

  const paint = (svg) => {
    const sheet = new Sheet(svg, "marks");
    for (const path of svg.querySelectorAll("g[data-f]>path")) {
      const kind = path.classList[0];
      const style = getComputedStyle(path);
      const size = kind === "x" ? 12 : parseFloat(style.strokeWidth);
      if (kind === "q") sheet.putBoxes(style.fill, pointsOf(path));
      else if (kind === "l") sheet.putLine(style.stroke, size, path);
      else if (SHAPES[kind]) sheet.put(kind, size, style.stroke, pointsOf(path));
    }
    sheet.flush();
    paintChosen(svg);
  };

  const paintChosen = (svg) => {
    const was = svg.parentNode.classList.contains("dim");
    svg.parentNode.classList.toggle("dim", chosen.size > 0);
    if (chosen.size === 0 && !was) return;
    const sheet = new Sheet(svg, "top");
    const color = getComputedStyle(svg).color;
    for (const path of svg.querySelectorAll("g[data-f]>path[data-n]")) {
      if (path.classList[0] === "q") sheet.putBoxes(color, pointsOf(path), chosen);
      else sheet.put("d", 1.4 * parseFloat(getComputedStyle(path).strokeWidth), color, pointsOf(path), chosen);
    }
    sheet.flush();
  };

  const repaint = () => {
    visible.forEach(paintChosen);
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
      const p = pointsOf(path);
      for (let i = 0; i < p.n; i++)
        if (p.x[i] >= x && p.x[i] <= x + width && p.y[i] >= y && p.y[i] <= y + height) chosen.add(p.number[i]);
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

  // Only what is seen is painted; the rest follows when it is scrolled to.
  const watch = new IntersectionObserver((entries) => {
    for (const e of entries) {
      if (e.isIntersecting) visible.add(e.target), paint(e.target);
      else visible.delete(e.target);
    }
  });
  const all = () => visible.forEach(paint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  addEventListener("resize", all);
  addEventListener("beforeprint", () => {
    document.querySelectorAll("figure").forEach(unveil);
    document.querySelectorAll("svg.plot").forEach(paint);
  });
  const listen = (svg) => {
    svg.addEventListener("pointermove", (event) => (drag ? stretch(event) : hover(svg, event)));
    svg.addEventListener("pointerleave", () => (tip.hidden = true));
    svg.addEventListener("pointerdown", (event) => {
      const at = place(svg, event);
      const panel = event.button === 0 && panelAt(svg, at);
      if (panel) (drag = { svg, panel, at }), event.preventDefault();
    });
  };

  // A figure waits as text until it is nearly in sight; its room is kept free.
  const unveil = (figure) => {
    const veil = figure.querySelector("noscript");
    if (!veil) return;
    figure.innerHTML = veil.textContent;
    const svg = figure.querySelector("svg.plot");
    listen(svg);
    watch.observe(svg);
  };
  const near = new IntersectionObserver((entries) => entries.forEach((e) => e.isIntersecting && unveil(e.target)), { rootMargin: "50%" });
  for (const figure of document.querySelectorAll("figure")) {
    figure.style.aspectRatio = /viewBox="0 0 (\d+ \d+)/.exec(figure.textContent)[1].replace(" ", "/");
    near.observe(figure);
  }
  addEventListener("pointerup", release);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") chosen.clear(), repaint();
  });
})();
