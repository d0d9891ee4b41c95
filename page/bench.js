/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench - how the server compares with its peers, job by job: "hotshelf-bench 2".
 */

function targetText(row) {
  if (!isNumber(row.target)) return NONE;
  return `${row.target_kind === "at_least" ? "at least" : "at most"} ${format.ratio(row.target)}`;
}

function metText(row) {
  if (row.not_measured) {
    return make("span", { class: "worse" }, `not measured: ${row.not_measured}`);
  }
  if (row.met === null || row.met === undefined) return NONE;
  return make("span", { class: row.met ? "better" : "worse" }, row.met ? "met" : "not met");
}

function benchRanges(rows) {
  return rows.map((row) => ({
    name: `${row.job} / ${row.peer}`,
    value: row.ratio,
    low: row.ratio_min,
    high: row.ratio_max,
    target: row.target,
    met: row.met,
  }));
}

function benchTable(rows) {
  const number = (head, of) => ({ head, kind: "number", of });
  return table(
    [
      { head: "job", kind: "text", of: (row) => row.job },
      { head: "peer", kind: "text", of: (row) => row.peer },
      number("hotshelf", (row) => format.time(row.ours_us)),
      number("peer", (row) => format.time(row.peer_us)),
      number("ratio", (row) => format.ratio(row.ratio)),
      number("hotshelf per second", (row) => format.count(row.ours_per_second)),
      number("peer per second", (row) => format.count(row.peer_per_second)),
      number("target", targetText),
      number("met", metText),
    ],
    rows,
    "Every job",
  );
}

const HOW_TO_READ =
  "A dot is the median ratio, its bar the spread over the turns, a stroke the target; a hollow dot " +
  "misses it.";

/* Less is better beside the floor, more is better beside others: one plot for each. */
function ratioPlots(rows) {
  const plots = [
    ["at_most", "Beside the floor", "less is better"],
    ["at_least", "Beside others: how many times the work", "more is better"],
  ];
  return plots
    .map(([kind, title, label]) => ({
      title,
      about: HOW_TO_READ,
      label: `ratio, ${label}`,
      ranges: benchRanges(rows.filter((row) => row.target_kind === kind)),
    }))
    .filter((plot) => plot.ranges.length > 0)
    .map(rangePlot);
}

function disturbed(result) {
  if (!(result.disturbed_turns > 0)) return "";
  const turns = `${result.disturbed_turns} of ${result.turns} turns`;
  return ` Other programs had the cores in ${turns}: do not trust rates.`;
}

function renderBench(result) {
  const judged = result.rows.filter((row) => isNumber(row.target));
  const met = judged.filter((row) => row.met).length;
  const state = met === judged.length ? "good" : "unsure";
  const machine = Object.entries(result.machine ?? {}).map(
    ([name, value]) => `${words(name)} ${value}`,
  );
  return [
    make(
      "header",
      {},
      make("p", { class: "eyebrow" }, "hotshelf bench"),
      make("h1", {}, "hotshelf and its peers"),
      make("p", { class: "meta" }, [format.moment(result.started_at), ...machine].join(" · ")),
    ),
    verdict(
      state,
      `${met} of ${judged.length} targets met`,
      "The same load on the same core, in turns; a ratio compares turns of one run." +
        disturbed(result),
    ),
    section("Ratios", ...ratioPlots(result.rows)),
    section("Figures", benchTable(result.rows)),
  ];
}

page.show(renderBench);
