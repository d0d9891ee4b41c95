/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run - what one run of hotshelf-loadtest was like: correct or not, how much, how fast, when.
 */

function requestsPlot(result) {
  const area = (name, tone) => ({ name: words(name), tone, points: rates(result, name) });
  return linePlot({
    title: "Throughput: requests",
    about: "Every answer by how it ended, on top of each other. Pushed back: asked to come later.",
    x: timeAxis(result),
    y: { label: "requests per second", kind: "linear", format: format.number },
    areas: [area("ok", 1), area("refused", 3), area("pushed_back", 4), area("failed", 2)],
    lines: [{ name: "all requests", tone: "ink", thin: true, points: rates(result, "requests") }],
  });
}

function visitsPlot(result) {
  return linePlot({
    title: "Throughput: visits",
    about: "A schedule decides when a visit is due, whether the server keeps up or not.",
    x: timeAxis(result),
    y: { label: "visits per second", kind: "linear", format: format.number },
    lines: [
      { name: "due", tone: 4, points: rates(result, "planned") },
      { name: "begun", tone: 1, dash: "5 4", points: rates(result, "begun") },
    ],
  });
}

function latencyPlot(result) {
  const line = (name, member, tone, more = {}) => ({
    name,
    tone,
    points: values(result, member),
    ...more,
  });
  return linePlot({
    title: "Latency over time",
    about: "Of all requests answered in a step, from the moment each was due.",
    x: timeAxis(result),
    y: timeOfRequest,
    lines: [
      line("longest", "max_us", "soft", { thin: true, dash: "2 3" }),
      line("p99.9", "p99.9_us", 2, { dash: "6 3" }),
      line("p99", "p99_us", 4),
      line("p50", "p50_us", 1),
    ],
  });
}

const FROM_THE_SEND = "from the send";

/* Whether the two ways to count differ enough to be looked at together. */
function waitedBeforeTheSend(result) {
  return Object.entries(result.latency_us).some(
    ([kind, latency]) => latency.p99 > 1.2 * (result.service_us[kind]?.p99 ?? latency.p99),
  );
}

function curvePlot(result) {
  const due = Object.entries(result.latency_us).map(([kind, latency], at) => ({
    name: kind,
    tone: (at % 8) + 1,
    dash: at < 6 ? null : "9 3",
    points: curve(latency),
  }));
  const sent = Object.entries(result.service_us).map(([kind, latency], at) => ({
    name: `${kind}, ${FROM_THE_SEND}`,
    key: FROM_THE_SEND,
    thin: true,
    dash: "3 3",
    tone: (at % 8) + 1,
    points: curve(latency),
  }));
  return linePlot({
    title: "Latency by percentile",
    about:
      "Solid: from the moment a request was due, waiting included. Dashed: from the send alone.",
    x: curveAxis(...Object.values(result.latency_us)),
    y: timeOfRequest,
    lines: [...due, ...sent],
    hidden: waitedBeforeTheSend(result) ? [] : [FROM_THE_SEND],
  });
}

function stockPlot(result) {
  const step = result.series.step_seconds;
  const start = result.units_in_reach;
  const left = isNumber(start);
  const points = [
    [0, left ? start : 0],
    ...result.series.units_sold.map((sold, at) => [
      Math.min((at + 1) * step, result.seconds),
      sold === null ? null : left ? start - sold : sold,
    ]),
  ];
  return linePlot({
    title: left ? "Stock burn-down" : "Units sold",
    about: left
      ? "Units in reach of this crowd: of each product what is there, at most what is wanted."
      : "Units of orders that stay confirmed. What there was at first is known with --admin.",
    x: timeAxis(result),
    y: { label: "units", kind: "linear", format: format.count },
    lines: [{ name: left ? "units left" : "units sold", tone: 3, points }],
  });
}

const OUTCOME_TONES = {
  ordered: 1,
  cancelled: 5,
  nothing_left: 3,
  gave_up: 4,
  abandoned: 7,
  looked: "soft",
  failed: 2,
};

function outcomesPlot(result) {
  return barPlot({
    title: "What visits became",
    about: "Every visit ends as one of these.",
    unit: "visits",
    bars: Object.entries(result.outcomes).map(([name, value]) => ({
      name: words(name),
      value,
      tone: OUTCOME_TONES[name] ?? "soft",
    })),
  });
}

function tallyPlot(title, about, tally) {
  const bars = Object.entries(tally)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 12)
    .map(([name, value]) => ({ name: words(name), value, tone: 3 }));
  return barPlot({ title, about, unit: "times", bars });
}

function busyPlot(result) {
  return linePlot({
    title: "How busy the generator was",
    about: "At 100 % the generator, not the server, sets the pace, and its latencies are its own.",
    x: timeAxis(result),
    y: { label: "percent of its time", kind: "linear", high: 100, format: format.percent },
    lines: [{ name: "busy", tone: 2, points: values(result, "generator_busy_percent") }],
  });
}

function crowdPlot(result) {
  return linePlot({
    title: "Visits at once",
    about: "How many were going on, and how many were due but had not begun.",
    x: timeAxis(result),
    y: { label: "visits", kind: "linear", format: format.count },
    lines: [
      { name: "going on", tone: 1, points: values(result, "live") },
      { name: "waiting to begin", tone: 2, dash: "6 3", points: values(result, "waiting") },
    ],
  });
}

/* How requests of each kind ended, the ones that were sent again included. */
function requestsTable(result) {
  const column = (name) => ({
    head: words(name),
    kind: "number",
    of: ([, ended]) => format.count(ended[name]),
  });
  return table(
    [
      { head: "request", kind: "text", of: ([kind]) => kind },
      ...["ok", "refused", "pushed_back", "failed"].map(column),
    ],
    Object.entries(result.requests),
    "How requests ended",
  );
}

function differencesOf(told) {
  const kinds = Object.entries(told.differences);
  if (kinds.length === 0) return null;
  return make(
    "ul",
    { class: "differences" },
    kinds.map(([kind, count]) =>
      make("li", {}, make("b", {}, format.count(count)), ` ${words(kind)}`),
    ),
  );
}

function verdictPart(result) {
  const told = result.verdict;
  const [state, headline] = verdictOf(result);
  const faults = ["oversold", "stranded", "lost", "duplicated"].map((name) =>
    make(
      "div",
      { class: told[name] > 0 ? "fault is" : "fault" },
      make("dt", {}, name),
      make("dd", {}, format.count(told[name])),
    ),
  );
  return verdict(
    state,
    headline,
    told.says,
    make("dl", { class: "faults" }, faults),
    differencesOf(told),
  );
}

function generatorPart(result) {
  const { limited, says } = result.generator;
  return make(
    "p",
    { class: limited ? "generator limited" : "generator" },
    make("b", {}, limited ? "Mind the generator. " : "About the generator. "),
    sentence(says),
  );
}

function keyFigures(result) {
  const kind = mainKind(result);
  const latency = kind === undefined ? {} : result.latency_us[kind];
  return tiles([
    {
      name: "requests per second",
      value: format.number(result.requests_per_second),
      note: `over ${format.seconds(result.seconds)}`,
    },
    {
      name: "orders",
      value: format.count(result.orders_acknowledged),
      note: `${format.number(result.orders_acknowledged / result.seconds)} per second`,
    },
    {
      name: "units sold",
      value: format.count(result.units_sold),
      note: isNumber(result.units_in_reach)
        ? `of ${format.count(result.units_in_reach)} in reach`
        : null,
    },
    ...[
      ["p50", "p50"],
      ["p99", "p99"],
      ["p99.9", "p99.9"],
      ["longest", "max"],
    ].map(([name, member]) => ({
      name: `${kind ?? "request"}, ${name}`,
      value: format.time(latency[member]),
    })),
    {
      name: "sent again",
      note: "same request, same key",
      value: format.count(Object.values(result.sent_again).reduce((a, b) => a + b, 0)),
    },
  ]);
}

function latencyTable(latencies, caption) {
  const of = (name) => ({
    head: name === "max" ? "longest" : name,
    kind: "number",
    of: ([, latency]) => format.time(latency[name]),
  });
  return table(
    [
      { head: "request", kind: "text", of: ([kind]) => kind },
      { head: "answers", kind: "number", of: ([, latency]) => format.count(latency.count) },
      ...["p50", "p90", "p99", "p99.9", "p99.99", "max"].map(of),
    ],
    Object.entries(latencies),
    caption,
  );
}

function settingsTables(result) {
  const rest = Object.entries(result).filter(
    ([name, value]) => typeof value !== "object" && !SETTINGS.includes(name) && name !== "format",
  );
  const columns = [
    { head: "name", kind: "text", of: ([name]) => words(name) },
    {
      head: "value",
      kind: "long",
      of: ([, value]) => (isNumber(value) ? value.toLocaleString("en-US") : String(value)),
    },
  ];
  return [table(columns, settingsOf(result), "Settings"), table(columns, rest, "Further figures")];
}

function title(result) {
  const what = result.what === "replay" ? "Replay" : "Run";
  return make(
    "header",
    {},
    make("p", { class: "eyebrow" }, "hotshelf load test"),
    make("h1", {}, `${what}: ${result.scenario}`),
    make(
      "p",
      { class: "meta" },
      `${format.moment(result.started_at)} · ${result.protocol} · ` +
        `${format.count(result.connections)} connections · ${result.url}`,
    ),
  );
}

function renderRun(result) {
  return [
    title(result),
    verdictPart(result),
    generatorPart(result),
    keyFigures(result),
    section(
      "Over time",
      requestsPlot(result),
      latencyPlot(result),
      pair(visitsPlot(result), stockPlot(result)),
    ),
    section(
      "How long requests took",
      curvePlot(result),
      latencyTable(result.latency_us, "From the moment a request was due"),
      latencyTable(result.service_us, "From the moment it was sent"),
    ),
    section(
      "What came of it",
      pair(outcomesPlot(result), requestsTable(result)),
      pair(
        tallyPlot("Refused", "What the shop said no to, by code.", result.refused),
        tallyPlot(
          "Sent again",
          "Requests repeated with the same key, by reason.",
          result.sent_again,
        ),
      ),
    ),
    section("Honesty of the generator", pair(busyPlot(result), crowdPlot(result))),
    section("How it was run", pair(...settingsTables(result))),
  ];
}

page.show(renderRun);
