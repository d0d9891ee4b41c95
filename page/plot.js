/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plot - lines and stacked areas over a shared x, as SVG that is drawn anew for each width.
 *
 *     linePlot({
 *       title, about,                                what it shows, and how to read it
 *       x: {label, kind: "time" | "nines", high},    seconds from 0, or percentiles
 *       y: {label, kind: "linear" | "log", format, high},
 *       areas: [{name, tone, points}],               stacked in this order; they share their x
 *       lines: [{name, tone, dash, thin, key, points}],
 *       columns                                      heads of the table, if not the names
 *     }) -> <figure>
 *
 * points = [[x, y or null]], x ascending; null breaks a line. tone is 1 to 8 or "soft" (page.css).
 * A key belongs to the legend: all lines with the same key appear and disappear together.
 * A legend's buttons hide and show; pointer, touch and the arrow keys read values; the table says
 * the same in figures.
 */

const PLOT_HEIGHT = 260;

function xText(spec, value) {
  return spec.x.kind === "nines" ? format.percentile(value) : format.seconds(value);
}

function keyOf(item) {
  return item.key ?? item.name;
}

/* Areas on top of each other: each point becomes [x, low, high]. */
function stack(areas) {
  const sums = new Map();
  return areas.map((area) => ({
    ...area,
    points: area.points.map(([x, y]) => {
      const low = sums.get(x) ?? 0;
      sums.set(x, low + (y ?? 0));
      return [x, low, low + (y ?? 0)];
    }),
  }));
}

function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!isNumber(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

function path(points, at) {
  let text = "";
  let isOpen = false;
  points.forEach(([x, y], index) => {
    if (y === null) {
      isOpen = false;
      return;
    }
    const isAlone = !isOpen && (points[index + 1]?.[1] ?? null) === null;
    const place = `${at.x(x).toFixed(1)} ${at.y(y).toFixed(1)}`;
    text += `${isOpen ? "L" : "M"}${place}${isAlone ? "h0" : ""}`;
    isOpen = true;
  });
  return text;
}

function areaPath(points, at) {
  const upper = points.map(([x, , high]) => `${at.x(x).toFixed(1)} ${at.y(high).toFixed(1)}`);
  const lower = points.map(([x, low]) => `${at.x(x).toFixed(1)} ${at.y(low).toFixed(1)}`);
  return upper.length === 0 ? "" : `M${upper.join("L")}L${lower.reverse().join("L")}Z`;
}

class LinePlot {
  constructor(spec) {
    this.spec = { areas: [], lines: [], ...spec };
    this.hidden = new Set(spec.hidden ?? []);
    this.width = 0;
    this.svg = draw("svg", {
      role: "img",
      tabindex: "0",
      "aria-label": `${spec.title}. ${spec.about}`,
    });
    this.tip = make("div", { class: "tip", hidden: "" });
    this.frame = make("div", { class: "frame" }, this.svg, this.tip);
    this.items = [...this.spec.areas, ...this.spec.lines];
    this.element = make(
      "figure",
      { class: "plot" },
      make("figcaption", {}, make("h3", {}, spec.title), make("p", {}, spec.about)),
      this.legend(),
      this.frame,
      this.details(),
    );
    this.redraw(640);
    this.listen();
  }

  legend() {
    const keys = [...new Set(this.items.map(keyOf))];
    return make(
      "div",
      { class: "legend" },
      keys.map((key) => {
        const item = this.items.find((candidate) => keyOf(candidate) === key);
        const isArea = this.spec.areas.includes(item);
        const sample = draw(
          "svg",
          { viewBox: "0 0 22 10", class: `sample tone-${item.tone}`, "aria-hidden": "true" },
          isArea
            ? draw("rect", { class: "area", width: 22, height: 10, rx: 2 })
            : draw("path", {
                class: `line ${item.thin ? "thin" : ""}`,
                d: "M1 5H21",
                "stroke-dasharray": item.dash,
              }),
        );
        const button = make(
          "button",
          { type: "button", "aria-pressed": String(!this.hidden.has(key)) },
          sample,
          key,
        );
        button.addEventListener("click", () => this.toggle(key, button));
        return button;
      }),
    );
  }

  toggle(key, button) {
    if (!this.hidden.delete(key)) this.hidden.add(key);
    button.setAttribute("aria-pressed", String(!this.hidden.has(key)));
    this.redraw(this.width);
  }

  shown(items) {
    return items.filter((item) => !this.hidden.has(keyOf(item)));
  }

  scales(width) {
    const { x, y } = this.spec;
    const areas = stack(this.shown(this.spec.areas));
    const lines = this.shown(this.spec.lines);
    const [low, high] = extent([
      ...areas.flatMap((area) => area.points.map((point) => point[2])),
      ...lines.flatMap((line) => line.points.map((point) => point[1])),
    ]);
    const top = 8;
    const bottom = PLOT_HEIGHT - 26;
    const yScale =
      y.kind === "log"
        ? logScale(isNumber(low) ? low : 1, isNumber(high) ? high : 10, bottom, top)
        : linearScaleAbove(y.high ?? high, bottom, top, 5);
    const labels = yScale.ticks.map((tick) => y.format(tick));
    const left = 12 + Math.max(...labels.map(textWidth));
    const right = width - 14;
    const xScale =
      x.kind === "nines"
        ? ninesScale(x.high, left, right)
        : linearScale(0, x.high, left, right, width < 480 ? 4 : 8);
    return { areas, lines, x: xScale, y: yScale, left, right, top, bottom };
  }

  redraw(width) {
    this.width = width;
    const scales = this.scales(width);
    this.drawn = scales;
    const at = { x: scales.x.at, y: scales.y.at };
    const areas = scales.areas.map((area) =>
      draw("path", { class: `area tone-${area.tone}`, d: areaPath(area.points, at) }),
    );
    const lines = scales.lines.map((line) =>
      draw("path", {
        class: `line ${line.thin ? "thin" : ""} tone-${line.tone}`,
        "stroke-dasharray": line.dash,
        d: path(line.points, at),
      }),
    );
    this.cursor = draw("g", { class: "cursor" });
    this.svg.setAttribute("viewBox", `0 0 ${width} ${PLOT_HEIGHT + 18}`);
    this.svg.replaceChildren(this.axes(scales), ...areas, ...lines, this.cursor);
    this.hide();
  }

  axes({ x, y, left, right, top, bottom }) {
    const group = draw("g", { class: "axes" });
    for (const tick of y.ticks) {
      const line = y.at(tick);
      group.append(
        draw("path", { class: "grid", d: `M${left} ${line}H${right}` }),
        draw("text", { x: left - 6, y: line + 4, "text-anchor": "end" }, this.spec.y.format(tick)),
      );
    }
    for (const tick of x.ticks) {
      const line = x.at(tick);
      group.append(
        draw("path", { class: "mark", d: `M${line} ${bottom}v5` }),
        draw(
          "text",
          { x: line, y: bottom + 18, "text-anchor": line > right - 14 ? "end" : "middle" },
          this.spec.x.kind === "nines" ? format.percentile(tick) : format.number(tick),
        ),
      );
    }
    group.append(
      draw("path", { class: "base", d: `M${left} ${bottom}H${right}` }),
      draw(
        "text",
        { class: "label", x: right, y: bottom + 36, "text-anchor": "end" },
        this.spec.x.label,
      ),
    );
    this.frame.dataset.y = this.spec.y.label;
    return group;
  }

  /* All x at which something was measured, ascending. */
  stops() {
    const all = [...this.drawn.areas, ...this.drawn.lines].flatMap((item) =>
      item.points.map((point) => point[0]),
    );
    return [...new Set(all)].sort((a, b) => a - b);
  }

  read(x) {
    const lines = this.drawn.lines.map((line) => ({ line, y: valueAt(line.points, x) }));
    const areas = this.drawn.areas.map((area) => {
      const point = area.points.find((candidate) => candidate[0] === x);
      return { line: area, y: point ? point[2] - point[1] : null, top: point?.[2] };
    });
    return [...areas.reverse(), ...lines].filter((entry) => entry.y !== null);
  }

  point(stop) {
    this.stop = stop;
    const entries = this.read(stop);
    const { x, y, top, bottom } = this.drawn;
    const place = x.at(stop);
    this.cursor.replaceChildren(
      draw("path", { d: `M${place} ${top}V${bottom}` }),
      ...entries.map(({ line, y: value, top: stacked }) =>
        draw("circle", {
          class: `tone-${line.tone}`,
          cx: place,
          cy: y.at(stacked ?? value),
          r: 3.5,
        }),
      ),
    );
    this.tip.replaceChildren(
      make("strong", {}, xText(this.spec, stop)),
      ...entries.map(({ line, y: value }) =>
        make(
          "span",
          { class: `tone-${line.tone}` },
          make("i", {}),
          `${line.name} `,
          make("b", {}, this.spec.y.format(value)),
        ),
      ),
    );
    this.tip.hidden = false;
    const scale = this.svg.clientWidth / this.width || 1;
    const isRight = place > this.width / 2;
    this.tip.classList.toggle("left", isRight);
    this.tip.style.left = isRight ? "" : `${place * scale + 12}px`;
    this.tip.style.right = isRight ? `${(this.width - place) * scale + 12}px` : "";
  }

  hide() {
    this.stop = null;
    this.tip.hidden = true;
    this.cursor.replaceChildren();
  }

  listen() {
    const nearest = (event) => {
      const box = this.svg.getBoundingClientRect();
      const place = ((event.clientX - box.left) / box.width) * this.width;
      const distance = (stop) => Math.abs(this.drawn.x.at(stop) - place);
      const stops = this.stops();
      if (stops.length > 0) this.point(stops.reduce((a, b) => (distance(b) < distance(a) ? b : a)));
    };
    this.svg.addEventListener("pointermove", nearest);
    this.svg.addEventListener("pointerdown", nearest);
    this.svg.addEventListener("pointerleave", () => this.hide());
    this.svg.addEventListener("blur", () => this.hide());
    this.svg.addEventListener("keydown", (event) => this.step(event));
    page.fits(this.frame, (width) => this.redraw(width));
  }

  step(event) {
    const stops = this.stops();
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") this.hide();
    if (way === undefined || stops.length === 0) return;
    event.preventDefault();
    const now = this.stop === null ? (way > 0 ? -1 : stops.length) : stops.indexOf(this.stop);
    this.point(stops[Math.min(Math.max(now + way, 0), stops.length - 1)]);
  }

  details() {
    const rows = [
      ...new Set(this.items.flatMap((item) => item.points.map((point) => point[0]))),
    ].sort((a, b) => a - b);
    const columns = [
      { head: this.spec.x.label, kind: "number", of: (x) => xText(this.spec, x) },
      ...this.items.map((item) => {
        const values = new Map(item.points);
        return {
          head: item.name,
          kind: "number",
          of: (x) => (values.has(x) ? this.spec.y.format(values.get(x)) : NONE),
        };
      }),
    ];
    return make(
      "details",
      { class: "data" },
      make("summary", {}, "The same as a table"),
      table(columns, rows, `${this.spec.title}: ${this.spec.y.label}`),
    );
  }
}

/* At x, or between two points what stands at the earlier one. */
function valueAt(points, x) {
  let found = null;
  for (const [at, y] of points) {
    if (at > x) break;
    found = y;
  }
  return points.length > 0 && x > points.at(-1)[0] ? null : found;
}

function linePlot(spec) {
  return new LinePlot(spec).element;
}
