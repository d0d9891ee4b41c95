/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bars - how many of each, as horizontal bars; and ranges: ratios with their spread on a log axis.
 *
 *     barPlot({title, about, unit, bars: [{name, value, tone}]}) -> <figure>
 *     rangePlot({title, about, label, ranges: [{name, value, low, high, target, met}]}) -> <figure>
 */

const BAR_HEIGHT = 22;
const BAR_STEP = 34;

class Rows {
  constructor(spec, rows, paint, columns) {
    this.rows = rows;
    this.paint = paint;
    const told = rows.map((row) => `${row.name} ${format.number(row.value)}`).join(", ");
    this.svg = draw("svg", { role: "img", "aria-label": `${spec.title}: ${told}` });
    this.frame = make("div", { class: "frame" }, this.svg);
    this.element = make(
      "figure",
      { class: "plot" },
      make("figcaption", {}, make("h3", {}, spec.title), make("p", {}, spec.about)),
      rows.length > 0 ? this.frame : make("p", { class: "empty" }, "Nothing was counted."),
      make(
        "details",
        { class: "data" },
        make("summary", {}, "The same as a table"),
        table(columns, rows, spec.title),
      ),
    );
    this.redraw(640);
    page.fits(this.frame, (width) => this.redraw(width));
  }

  redraw(width) {
    this.svg.replaceChildren();
    this.svg.setAttribute("viewBox", `0 0 ${width} ${this.paint(this.svg, this.rows, width)}`);
  }
}

function longest(rows) {
  return Math.max(0, ...rows.map((row) => textWidth(row.name)));
}

function paintBars(svg, bars, width) {
  const left = Math.min(longest(bars) + 10, width * 0.45);
  const sum = bars.reduce((total, bar) => total + bar.value, 0);
  const highest = Math.max(1, ...bars.map((bar) => bar.value));
  bars.forEach((bar, at) => {
    const y = at * BAR_STEP;
    const share = sum > 0 ? ` (${format.percent((bar.value / sum) * 100)})` : "";
    const length = (bar.value / highest) * (width - left - 120);
    svg.append(
      draw(
        "text",
        { x: left - 8, y: y + 16, "text-anchor": "end" },
        shortened(bar.name, left - 10),
        draw("title", {}, bar.name),
      ),
      draw("path", {
        class: `bar tone-${bar.tone}`,
        d: `M${left} ${y}h${length.toFixed(1)}v${BAR_HEIGHT}H${left}Z`,
      }),
      draw(
        "text",
        { class: "value", x: left + length + 6, y: y + 16 },
        format.count(bar.value),
        draw("tspan", { class: "share" }, share),
      ),
    );
  });
  return Math.max(bars.length * BAR_STEP, 1);
}

function barPlot(spec) {
  return new Rows(spec, spec.bars, paintBars, [
    { head: "what", kind: "text", of: (bar) => bar.name },
    { head: spec.unit, kind: "number", of: (bar) => format.count(bar.value) },
  ]).element;
}

/* Where ratios stand: a log axis that has 1 on it. */
function ratioAxis(ranges, from, to) {
  const all = ranges
    .flatMap((range) => [range.value, range.low, range.high, range.target])
    .filter((value) => isNumber(value) && value > 0);
  const [low, high] = [Math.min(0.7, ...all), Math.max(1.5, ...all)].map(Math.log2);
  const every = high - low > 8 ? 2 : 1;
  const ticks = [];
  for (let power = Math.ceil(low); power <= high; power++) {
    if (power % every === 0) ticks.push(2 ** power);
  }
  return { ticks, at: (ratio) => from + ((Math.log2(ratio) - low) / (high - low)) * (to - from) };
}

/* A dot in its spread, beside a stroke that is the target; hollow where the target is not met. */
function rangeMarks(range, at, y) {
  if (!isNumber(range.value) || range.value <= 0) return [];
  const tone = range.met === false ? 2 : 1;
  const spread = { class: `range tone-${tone}`, d: `M${at(range.low)} ${y}H${at(range.high)}` };
  const target = { class: "target", d: `M${at(range.target)} ${y - 9}v18` };
  const dot = { class: `dot tone-${tone}`, cx: at(range.value), cy: y, r: 5 };
  if (range.met === false) dot.class += " hollow";
  return [
    range.low > 0 && range.high > 0 ? draw("path", spread) : null,
    range.target > 0 ? draw("path", target) : null,
    draw("circle", dot),
  ];
}

function paintRanges(spec, svg, ranges, width) {
  const isNarrow = width < 560;
  const left = isNarrow ? 8 : Math.min(longest(ranges) + 12, width * 0.5);
  const step = isNarrow ? 50 : BAR_STEP;
  const texts = ranges.map((range) => textWidth(format.ratio(range.value)));
  const right = width - Math.max(0, ...texts) - 24;
  const { ticks, at } = ratioAxis(ranges, left + 8, right);
  const bottom = ranges.length * step + 4;
  for (const tick of ticks) {
    const x = at(tick);
    svg.append(
      draw("path", { class: tick === 1 ? "base" : "grid", d: `M${x} 0V${bottom}` }),
      draw("text", { x, y: bottom + 16, "text-anchor": "middle" }, `${format.number(tick)} ×`),
    );
  }
  ranges.forEach((range, number) => {
    const y = number * step + (isNarrow ? 34 : 16);
    const place = isNarrow
      ? { x: left, y: y - 16 }
      : { x: left - 12, y: y + 4, "text-anchor": "end" };
    const name = shortened(range.name, isNarrow ? width - left : left - 12);
    const end = { class: "value", x: width - 2, y: y + 4, "text-anchor": "end" };
    const marks = rangeMarks(range, at, y).filter((mark) => mark !== null);
    svg.append(
      draw("text", place, name, draw("title", {}, range.name)),
      ...marks,
      draw("text", end, format.ratio(range.value)),
    );
  });
  const label = { class: "label", x: width - 2, y: bottom + 34, "text-anchor": "end" };
  svg.append(draw("text", label, spec.label));
  return bottom + 40;
}

function rangePlot(spec) {
  const paint = (svg, rows, width) => paintRanges(spec, svg, rows, width);
  return new Rows(spec, spec.ranges, paint, [
    { head: "what", kind: "text", of: (range) => range.name },
    { head: "ratio", kind: "number", of: (range) => format.ratio(range.value) },
    { head: "lowest", kind: "number", of: (range) => format.ratio(range.low) },
    { head: "highest", kind: "number", of: (range) => format.ratio(range.high) },
    { head: "target", kind: "number", of: (range) => format.ratio(range.target) },
  ]).element;
}
