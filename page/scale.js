/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scale - where a value stands on an axis, and which values are worth a mark.
 *
 * A scale is {at(value) -> pixels, ticks: [value], low, high}; `from` and `to` are pixels, `to` may
 * be the smaller one (y grows upwards).
 */

/* 1, 2 or 5 times a power of ten, at least `rough`. */
function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999);
}

function linearScale(low, high, from, to, wantedTicks) {
  const span = high > low ? high - low : 1;
  const step = niceStep(span / Math.max(wantedTicks, 1));
  const ticks = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-6; value += step) {
    ticks.push(Number(value.toPrecision(12)));
  }
  return { low, high, ticks, at: (value) => from + ((value - low) / span) * (to - from) };
}

/* From zero to the first mark at or above the highest value. */
function linearScaleAbove(highest, from, to, wantedTicks) {
  const step = niceStep((highest > 0 ? highest : 1) / Math.max(wantedTicks, 1));
  return linearScale(
    0,
    Math.ceil((highest > 0 ? highest : 1) / step - 1e-9) * step,
    from,
    to,
    wantedTicks,
  );
}

/* Whole decades; a narrow one has marks at 2 and 5, too. */
function logScale(lowest, highest, from, to) {
  const low = Math.floor(Math.log10(Math.max(lowest, 1)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(highest, 1)) - 1e-9));
  const factors = high - low <= 2 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let decade = low; decade <= high; decade++) {
    ticks.push(...factors.map((factor) => factor * 10 ** decade));
  }
  const at = (value) =>
    from + ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * (to - from);
  const last = 10 ** high;
  return { low: 10 ** low, high: last, ticks: ticks.filter((tick) => tick <= last), at };
}

/* Percentiles: 90 %, 99 %, 99.9 % stand at equal distances, log10(1 / (1 - p)). */
function ninesOf(percent) {
  return -Math.log10(Math.max(1 - percent / 100, 1e-9));
}

function ninesScale(highestNines, from, to) {
  const high = Math.max(highestNines, 1);
  const hasRoom = ((to - from) * ninesOf(50)) / high > 46;
  const ticks = hasRoom ? [0, 50] : [0];
  for (let nines = 1; nines <= Math.floor(high + 1e-9); nines++) {
    ticks.push(100 - 10 ** (2 - nines));
  }
  return {
    low: 0,
    high,
    ticks: ticks.map((tick) => Number(tick.toPrecision(10))),
    at: (percent) => from + (Math.min(ninesOf(percent), high) / high) * (to - from),
  };
}
