// Every language with its interval, for the chosen pair and a family, or the mean of all families.
"use strict";

// Only the sentence behind a difference has the ends of its interval, before the first semicolon.
const intervalOf = (title) => {
  const found = /^([+−]?[\d.]+) ([^;]*?) ?\[(−?[\d.]+), (−?[\d.]+)\]/.exec(title);
  if (!found) return null;
  const [mid, low, high] = [found[1], found[3], found[4]].map((part) => Number(part.replace("−", "-")));
  return { mid, low, high, unit: found[2] };
};

const FOREST = { row: 16, top: 40, tick: 44, end: 20 };

// One drawing of some languages, `most` units wide from `from` to `to`; `mean` stands above them.
const forestOf = (leads, mean, { a, b, unit, from, to, total }) => {
  const names = total < 560 ? 140 : 195;
  const x = (points) => Math.round(10 * (names + 15 + ((total - names - 35) * (points - from)) / (to - from))) / 10;
  const most = Math.max(3, Math.floor((total - names) / FOREST.tick));
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500].find((size) => (to - from) / size <= most) || to - from;
  const ticks = [];
  for (let i = Math.ceil(from / step); i * step <= to; i += 1) ticks.push(i * step);
  const first = FOREST.top + (mean ? FOREST.row + 4 : 0);
  const height = first + FOREST.row * leads.length + FOREST.end;
  const all = (shape, keep) => leads.map((lead, i) => (keep(lead) ? shape(lead, first + FOREST.row * i) : "")).join("");
  const line = ({ low, high }, y) => `M${x(low)} ${y}H${x(high)}`;
  const dot = ({ mid }, y) => `M${x(mid)} ${y}h0`;
  const side = (lead) => (lead.isNoise ? "noise" : lead.mid > 0 ? "l-a" : "l-b");
  const paths = ["noise", "l-a", "l-b"].flatMap((css) => [
    make("path", { class: `whisker ${css}`, d: all(line, (lead) => side(lead) === css) }),
    make("path", { class: `rim ${css}`, d: all(dot, (lead) => !lead.isEnglish && !lead.isFirm && side(lead) === css) }),
    make("path", { class: `firm ${css}`, d: all(dot, (lead) => !lead.isEnglish && lead.isFirm && side(lead) === css) }),
  ]);
  const text = (content, left, top, anchor, css = "") => make("text", { x: left, y: top, "text-anchor": anchor, class: css }, content);
  const sign = (points) => `${points < 0 ? "−" : points > 0 ? "+" : ""}${Math.abs(points).toFixed(step < 1 ? 1 : 0)}`;
  const y = FOREST.top;
  const middle = mean && [Math.min(x(mean[1]), x(mean[0]) - 3), Math.max(x(mean[2]), x(mean[0]) + 3)];
  return make("svg", { viewBox: `0 0 ${total} ${height}`, role: "group", "aria-label": `Lead of A over B by language, ${unit}` },
    make("path", { class: "axis", d: `${ticks.map((points) => `M${x(points)} 30V${height - 16}`).join("")}M${x(from)} 30H${x(to)}` }),
    make("path", { class: "zero", d: `M${x(0)} 30V${height - 16}` }),
    ...(mean ? [
      make("path", { class: "mean", d: mean[3] === null ? "" : `M${x(Math.max(from, mean[3]))} ${y}H${x(Math.min(to, mean[4]))}` }),
      make("path", { class: "all", d: `M${middle[0]} ${y}L${x(mean[0])} ${y - 5}L${middle[1]} ${y}L${x(mean[0])} ${y + 5}z` }),
      text("mean but English", names, y + 4, "end", "strong"),
    ] : []),
    ...paths,
    make("path", { class: "hole", d: all(dot, (lead) => !lead.isEnglish && !lead.isFirm) }),
    make("path", { class: "en", d: all(({ mid }, at) => `M${x(mid) - 4} ${at}l4 -5l4 5l-4 5z`, (lead) => lead.isEnglish) }),
    ...ticks.map((points) => text(sign(points), x(points), 26, "middle")),
    ...leads.map(({ name, tag, isEnglish }, i) => make("svg:a", { href: `#lang=${encodeURIComponent(tag)}`, tabindex: -1, "data-tag": tag },
      text(total < 560 && name.length > 24 ? `${name.slice(0, 23)}…` : name, names, first + FOREST.row * i + 4, "end", isEnglish ? "strong" : ""))),
    text(`← ${b} ahead`, x(0) - 8, 11, "end"), text(`${a} ahead →`, x(0) + 8, 11, "start"),
    text(unit, x(to), height - 2, "end"));
};

// Draws the forest when it is first near the screen, and before printing; the function it returns draws
// it again, of another pair or of other rows of the table.
const startForest = (table, packed, open) => {
  const choice = $("forest-block");
  const plot = $("forest-plot");
  let isSeen = false;
  const leadsOf = (at) => {
    const shown = packed.pairNow();
    const isAll = at === "all";
    const n = table.languages.length;
    const css = isAll ? packed.maps.css[2 * packed.shownPair] : [];
    return table.languages.filter((entry) => !entry.row.hidden).flatMap((entry) => {
      const { place } = entry;
      const found = intervalOf(isAll ? packed.maps.titles[2 * packed.shownPair * n + place] : shown.titles[at * n + place]);
      if (!found) return [];
      const isNoise = isAll ? css[place] === "ns" : shown.text[at][place][0] === "(";
      const mark = isAll ? packed.maps.firm[packed.shownPair][place] : shown.mark[at][place];
      return [{ ...found, name: entry.name, tag: entry.tag, isEnglish: entry.isEnglish, isNoise, isFirm: mark === "H" }];
    }).sort((one, other) => other.mid - one.mid);
  };
  const draw = (rows = Infinity) => {
    if (!isSeen || !packed.pairs.length) return;
    const { at } = choice.selectedOptions[0].dataset;
    const leads = leadsOf(at);
    const ahead = (sign) => leads.filter((lead) => !lead.isNoise && Math.sign(lead.mid) === sign).length;
    const firm = leads.filter((lead) => lead.isFirm && !lead.isEnglish).length;
    $("forest-words").textContent = leads.length
      ? `A is ahead in ${ahead(1)}, B in ${ahead(-1)} of ${leads.length} languages, before any correction for their number (${firm} stand after Holm correction); in the others the interval includes no difference.${table.languages.some((entry) => entry.row.hidden) ? " Shown are the rows that the table shows." : ""}`
      : "No language can be compared here.";
    const given = packed.pairNow().slots[`forest-${at}`];
    const mean = given && given[0] !== " " ? given.split(" ").map((part) => (part === "" ? null : Number(part))) : null;
    const ends = [0, ...leads.flatMap(({ low, high }) => [low, high]), ...(mean || []).slice(0, 3).filter((one) => one !== null)];
    const [from, to] = [Math.min(...ends), Math.max(...ends)];
    const room = 0.04 * (to - from) || 1;
    const [a, b] = packed.pairNames[packed.shownPair].split(" vs ").map((name) => table.shortOf(name));
    const total = rows < Infinity ? 340 : Math.max(340, Math.min(760, plot.clientWidth));
    const parts = [];
    for (let i = 0; i < leads.length; i += rows) {
      const facts = { a, b, unit: leads[0].unit, from: from - room, to: to + room, total };
      parts.push(forestOf(leads.slice(i, i + rows), i ? null : mean, facts));
      if (rows === Infinity) break;
    }
    plot.replaceChildren(...parts);
  };
  if (!choice) return draw;
  const show = () => { isSeen = true; packed.ready.then(() => draw()); };
  plot.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link) { event.preventDefault(); open(link.dataset.tag); }
  });
  new IntersectionObserver((seen, watch) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    watch.disconnect();
    show();
  }, { rootMargin: "600px" }).observe($("forest"));
  addEventListener("beforeprint", () => { isSeen = true; draw(30); });
  addEventListener("afterprint", () => draw());
  return () => draw();
};
