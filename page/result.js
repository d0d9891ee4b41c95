/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result - reads "hotshelf-loadtest 2", the JSON of a run, for the page of one run and of two.
 */

/* The seconds of each step: the last one may be cut short by the end of the run. */
function stepSeconds(result) {
  const step = result.series.step_seconds;
  return result.series.requests.map((_, at) =>
    Math.max(Math.min(step, result.seconds - at * step), step / 1000),
  );
}

/* Counts as rates, at the middle of each step; a sliver of a step at the end tells nothing. */
function rates(result, name) {
  const step = result.series.step_seconds;
  const seconds = stepSeconds(result);
  return result.series[name]
    .map((count, at) => [at * step + seconds[at] / 2, count / seconds[at]])
    .filter((_, at) => at === 0 || seconds[at] > step / 3);
}

function values(result, name, scale = 1) {
  const step = result.series.step_seconds;
  const seconds = stepSeconds(result);
  return result.series[name].map((value, at) => [
    at * step + seconds[at] / 2,
    value === null ? null : value * scale,
  ]);
}

function timeAxis(...results) {
  const high = Math.max(...results.map((result) => result.seconds));
  const steps = [...new Set(results.map((result) => result.series.step_seconds))];
  return {
    label: `seconds since the start, in steps of ${steps.join(" and ")}`,
    kind: "time",
    high,
  };
}

/* A curve's last point, the maximum, stands where one request in `count` stands. */
function curve(latency) {
  const last = 100 * (1 - 1 / Math.max(latency.count, 2));
  return latency.curve.filter(([percent]) => percent < last).concat([[last, latency.max]]);
}

function curveAxis(...latencies) {
  const nines = latencies.map((latency) => ninesOf(100 * (1 - 1 / Math.max(latency.count, 2))));
  return { label: "percentile of requests", kind: "nines", high: Math.max(1, ...nines) };
}

const timeOfRequest = { label: "time of a request", kind: "log", format: format.time };

/* Each book that was compared with the crowd's own. */
function verdictOf(result) {
  const told = result.verdict;
  if (!told.finished) return ["bad", "Not finished"];
  const found = Object.values(told.differences).some((count) => count > 0);
  if (!told.correct && (found || !result.interrupted)) return ["bad", "Not correct"];
  if (result.interrupted) return ["unsure", "Interrupted, and no difference as far as it went"];
  const whole = told.compared.server && told.compared.postgres;
  return whole ? ["good", "Correct"] : ["unsure", "No difference in what was compared"];
}

/* The kind of request that a reader asks for first. */
function mainKind(result) {
  const kinds = Object.keys(result.latency_us);
  return kinds.includes("checkout") ? "checkout" : kinds[0];
}

/* Members that say how it was run, not what came of it. */
const SETTINGS = [
  "what",
  "scenario",
  "url",
  "protocol",
  "connections",
  "rate",
  "mode",
  "seed",
  "run",
];

function settingsOf(result) {
  return [
    ...SETTINGS.filter((name) => name in result).map((name) => [name, result[name]]),
    ...Object.entries(result.settings ?? {}),
  ];
}
