/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dom - elements, and numbers as people read them. Text goes in as text nodes only: whatever a
 * result names, it is never read as HTML.
 */
"use strict";

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/* make("p", {class: "note"}, "some text", anotherElement) */
function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG_NAMESPACE, tag), attributes, children);
}

const NONE = "–";

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/* Each takes a number or nothing, and answers a text. */
const format = {
  /* 1234567 -> 1,234,567 */
  count: (value) => (isNumber(value) ? Math.round(value).toLocaleString("en-US") : NONE),

  /* Three digits that count, whole from 100 on. */
  number(value) {
    if (!isNumber(value)) return NONE;
    const size = Math.abs(value);
    const digits = size >= 100 || value === 0 ? 0 : size >= 10 ? 1 : 2;
    return value.toLocaleString("en-US", { maximumFractionDigits: size < 0.1 ? 4 : digits });
  },

  /* Microseconds, in the unit that suits them. */
  time(us) {
    if (!isNumber(us)) return NONE;
    if (us < 1000) return `${format.number(us)} µs`;
    return us < 1e6 ? `${format.number(us / 1000)} ms` : `${format.number(us / 1e6)} s`;
  },

  seconds(value) {
    if (!isNumber(value)) return NONE;
    if (value < 120) return `${format.number(value)} s`;
    const whole = Math.round(value);
    const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const [hours, minutes, seconds] = parts.map((part) => String(part).padStart(2, "0"));
    return hours === "00" ? `${minutes}:${seconds} min` : `${hours}:${minutes}:${seconds} h`;
  },

  percent(value) {
    if (!isNumber(value)) return NONE;
    return value > 0 && value < 0.1 ? "< 0.1 %" : `${Number(value.toFixed(1))} %`;
  },

  ratio: (value) => (isNumber(value) ? `${value.toFixed(2)} ×` : NONE),

  /* 99.9 -> 99.9 %, as many nines as there are. */
  percentile: (value) => `${Number(value.toPrecision(8))} %`,

  /* RFC 3339 -> 27 Nov 2026, 08:41:05 UTC */
  moment(text) {
    const moment = new Date(text);
    if (Number.isNaN(moment.getTime())) return String(text ?? NONE);
    const date = moment.toLocaleDateString("en-GB", {
      day: "numeric",
      month: "short",
      year: "numeric",
      timeZone: "UTC",
    });
    return `${date}, ${moment.toISOString().slice(11, 19)} UTC`;
  },
};

/* A sentence as programs print it: with a capital and a full stop. */
function sentence(text) {
  const whole = String(text ?? "");
  return whole.charAt(0).toUpperCase() + whole.slice(1) + (/[.!?]$/.test(whole) ? "" : ".");
}

/* snake_case members of a result, as words. */
function words(name) {
  return String(name).replaceAll("_", " ");
}

/*
 * A table: columns [{head, of(row) -> text or element, kind: "number" | "text" | "long"}], rows of
 * anything.
 * The first column heads its row.
 */
function table(columns, rows, caption) {
  const head = columns.map((column) =>
    make("th", { scope: "col", class: column.kind }, column.head),
  );
  const body = rows.map((row) =>
    make(
      "tr",
      {},
      columns.map((column, at) =>
        make(
          at === 0 ? "th" : "td",
          { scope: at === 0 ? "row" : null, class: column.kind },
          column.of(row) ?? NONE,
        ),
      ),
    ),
  );
  return make(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    make(
      "table",
      {},
      make("caption", {}, caption),
      make("thead", {}, make("tr", {}, head)),
      make("tbody", {}, body),
    ),
  );
}

/* Figures in large type: [{name, value, note}]. */
function tiles(figures) {
  return make(
    "dl",
    { class: "tiles" },
    figures.map((figure) =>
      make(
        "div",
        { class: "tile" },
        make("dt", {}, figure.name),
        make("dd", {}, figure.value),
        figure.note ? make("dd", { class: "note" }, figure.note) : null,
      ),
    ),
  );
}

/* Side by side where there is room. */
function pair(...elements) {
  return make("div", { class: "pair" }, ...elements);
}

function section(title, ...children) {
  return make("section", {}, make("h2", {}, title), ...children);
}

/* The headline: how it went, by sign, word and colour; state = good, bad, unsure. */
function verdict(state, headline, text, ...more) {
  const sign = {
    good: "M6 12.5 l4 4 L18 8.5",
    bad: "M7.5 7.5 L16.5 16.5 M16.5 7.5 L7.5 16.5",
    unsure: "M12 6 v7.5 M12 17.5 v.3",
  };
  return make(
    "div",
    { class: `verdict ${state}`, role: "status" },
    draw(
      "svg",
      { viewBox: "0 0 24 24", class: "sign", "aria-hidden": "true" },
      draw("circle", { cx: 12, cy: 12, r: 11.5 }),
      draw("path", { d: sign[state] }),
    ),
    make(
      "div",
      { class: "words" },
      make("p", { class: "headline" }, headline),
      make("p", { class: "sentence" }, sentence(text)),
      ...more,
    ),
  );
}

const canvas = document.createElement("canvas").getContext("2d");

/* Pixels that a text of a plot takes (page.css: svg text). */
function textWidth(text) {
  canvas.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return canvas.measureText(text).width;
}

/* The start of a text, in so many pixels. */
function shortened(text, width) {
  let end = text.length;
  while (end > 1 && textWidth(`${text.slice(0, end)}…`) > width) end--;
  return textWidth(text) <= width ? text : `${text.slice(0, end)}…`;
}

const page = {
  drawings: [],

  /* A drawing is made anew, redraw(width), whenever its frame has another width. */
  fits(frame, redraw) {
    page.drawings.push({ frame, redraw, width: 0 });
  },

  fit() {
    for (const drawing of page.drawings) {
      const width = Math.round(drawing.frame.clientWidth);
      if (width === 0 || width === drawing.width) continue;
      drawing.width = width;
      drawing.redraw(width);
    }
  },

  /* render(result) -> elements. What goes wrong in it is told on the page, and to the console. */
  show(render) {
    const main = document.getElementById("page");
    try {
      const result = JSON.parse(document.getElementById("result").textContent);
      main.replaceChildren(...[render(result)].flat().filter((element) => element !== null));
    } catch (error) {
      main.replaceChildren(
        make("p", { class: "broken" }, `This page cannot show its result: ${error.message}`),
      );
      throw error;
    }
    main.append(
      make(
        "footer",
        {},
        "The figures of this page are in its source, as JSON. ",
        "It needs no network and has loaded nothing.",
      ),
    );
    page.fit();
    window.addEventListener("resize", page.fit);
  },
};
