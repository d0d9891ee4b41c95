/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare - two runs of hotshelf-loadtest side by side: "hotshelf-loadtest-compare 2".
 */

const UNIT_FORMATS = { us: format.time, percent: format.percent, seconds: format.seconds };

function figureText(row, value) {
  return (UNIT_FORMATS[row.unit] ?? format.number)(value);
}

const JUDGED =
  "Better or worse is said only of runs of the same load, of ratios more than a twentieth apart, " +
  "and of percentiles that at least ten requests exceeded.";

/* A ratio, and whether it is good: the program judges, and only runs of the same load. */
function ratioText(row) {
  if (!isNumber(row.ratio)) return NONE;
  if (!row.judged) return format.ratio(row.ratio);
  return make("span", { class: row.judged }, `${format.ratio(row.ratio)} ${row.judged}`);
}

function figuresTable(result) {
  const side = (name) => ({
    head: name.toUpperCase(),
    kind: "number",
    of: (row) => figureText(row, row[name]),
  });
  return table(
    [
      { head: "figure", kind: "text", of: (row) => row.figure },
      side("a"),
      side("b"),
      { head: "B / A", kind: "number", of: ratioText },
    ],
    result.rows,
    "Headline figures",
  );
}

function differingTable(result) {
  if (result.settings.length === 0)
    return make("p", { class: "note" }, "Both ran with the same settings.");
  const side = (name) => ({ head: name.toUpperCase(), kind: "long", of: (row) => row[name] });
  return table(
    [{ head: "setting", kind: "text", of: (row) => words(row.name) }, side("a"), side("b")],
    result.settings,
    "What differs in how they were run",
  );
}

function sideVerdict(name, side) {
  const [state, headline] = verdictOf(side.result);
  return verdict(
    state,
    `${name}: ${headline}`,
    side.result.verdict.says,
    make("p", { class: "note" }, side.file),
  );
}

const SIDES = [
  ["A", 1, null],
  ["B", 2, "6 3"],
];

function sides(result) {
  return SIDES.map(([name, tone, dash]) => ({
    name,
    tone,
    dash,
    run: result[name.toLowerCase()].result,
  }));
}

function overTime(result, title, about, y, points) {
  const both = sides(result);
  return linePlot({
    title,
    about,
    x: timeAxis(...both.map((side) => side.run)),
    y,
    lines: both.map(({ name, tone, dash, run }) => ({ name, tone, dash, points: points(run) })),
  });
}

/* One plot for each kind of request that both have. */
function curvePlots(result) {
  const both = sides(result);
  const kinds = Object.keys(both[0].run.latency_us).filter(
    (kind) => kind in both[1].run.latency_us,
  );
  return kinds.map((kind) =>
    linePlot({
      title: `Latency of ${kind}`,
      about: "By percentile, from the moment a request was due.",
      x: curveAxis(...both.map(({ run }) => run.latency_us[kind])),
      y: timeOfRequest,
      lines: both.map(({ name, tone, dash, run }) => ({
        name,
        tone,
        dash,
        points: curve(run.latency_us[kind]),
      })),
    }),
  );
}

function renderCompare(result) {
  const { a, b, warnings } = result;
  const perSecond = { label: "per second", kind: "linear", format: format.number };
  return [
    make(
      "header",
      {},
      make("p", { class: "eyebrow" }, "hotshelf load test, two runs"),
      make(
        "h1",
        {},
        a.result.scenario === b.result.scenario
          ? a.result.scenario
          : `${a.result.scenario} and ${b.result.scenario}`,
      ),
      make(
        "p",
        { class: "meta" },
        `A: ${format.moment(a.result.started_at)} · B: ${format.moment(b.result.started_at)}`,
      ),
    ),
    make("div", { class: "verdicts" }, sideVerdict("A", a), sideVerdict("B", b)),
    warnings.length > 0
      ? make(
          "ul",
          { class: "warnings" },
          warnings.map((text) => make("li", {}, sentence(text))),
        )
      : null,
    section(
      "Figures",
      figuresTable(result),
      make("p", { class: "note" }, JUDGED),
      differingTable(result),
    ),
    section(
      "Over time",
      overTime(result, "Requests", "Answers of every kind.", perSecond, (run) =>
        rates(run, "requests"),
      ),
      overTime(
        result,
        "Latency over time, p99",
        "Of all requests answered in a step.",
        timeOfRequest,
        (run) => values(run, "p99_us"),
      ),
    ),
    section("How long requests took", pair(...curvePlots(result))),
  ];
}

page.show(renderCompare);
