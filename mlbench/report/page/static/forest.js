// Every language with its interval, for the chosen pair and a family.
"use strict";

// Only the sentence behind a difference has the ends of its interval, before the first semicolon.
const intervalOf = (title) => {
  const found = /^([+−]?[\d.]+) [^;]*?\[(−?[\d.]+), (−?[\d.]+)\]/.exec(title);
  if (!found) return null;
  const [mid, low, high] = found.slice(1).map((part) => Number(part.replace("−", "-")));
  return { mid, low, high };
};

const drawForest = (leads, unit) => {
  const ROW = 16;
  const total = Math.max(340, Math.min(760, $("forest-plot").clientWidth));
  const names = total < 560 ? 140 : 195;
  const half = (total - names - 20) / 2;
  const middle = names + 15 + half;
  const ahead = (sign) => leads.filter((lead) => !lead.isNoise && Math.sign(lead.mid) === sign).length;
  const words = leads.length
    ? `A is ahead in ${ahead(1)}, B in ${ahead(-1)} of ${leads.length} languages, before any correction for their number (${leads.filter((lead) => lead.isFirm && !lead.isEnglish).length} stand after Holm correction); in the others the interval includes no difference.`
    : "No language can be compared here.";
  $("forest-words").textContent = words;
  $("forest-plot").replaceChildren();
  if (!leads.length) return;

  const most = Math.max(1, ...leads.flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]));
  const x = (points) => Math.round(10 * (middle + half * Math.max(-1, Math.min(1, points / most)))) / 10;
  // Some four lines on each side, at round points.
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500].find((size) => most / size <= 4) || most;
  const ticks = Array.from({ length: 2 * Math.floor(most / step) + 1 }, (_, i) => (i - Math.floor(most / step)) * step);
  const y = (i) => ROW * i + 24;
  const height = ROW * leads.length + 40;
  const path = (css, keep, shape) => make("path", {
    class: css, d: leads.map((lead, i) => (keep(lead) ? shape(lead, y(i)) : "")).join(""),
  });
  const line = ({ low, high }, at) => `M${x(low)} ${at}H${x(high)}`;
  const dot = ({ mid }, at) => `M${x(mid)} ${at}h0`;
  const text = (content, left, top, anchor, css) => make("text", { x: left, y: top, "text-anchor": anchor, class: css }, content);
  const sign = (points) => `${points < 0 ? "−" : points > 0 ? "+" : ""}${Math.abs(points).toFixed(step < 1 ? 1 : 0)}`;
  const isOpen = (lead) => !lead.isEnglish && !lead.isFirm;

  $("forest-plot").append(make("svg", {
    viewBox: `0 0 ${total} ${height}`, role: "img", "aria-label": `Lead of A over B in ${unit}. ${words}`,
  },
  make("path", { class: "axis", d: `${ticks.map((points) => `M${x(points)} 14V${height - 16}`).join("")}M${x(-most)} 14H${x(most)}` }),
  make("path", { class: "zero", d: `M${x(0)} 14V${height - 16}` }),
  path("noise", (lead) => lead.isNoise, line),
  path("mean", (lead) => !lead.isNoise, line),
  path("rim", isOpen, dot),
  path("hole", isOpen, dot),
  path("firm", (lead) => !lead.isEnglish && lead.isFirm, dot),
  path("en", (lead) => lead.isEnglish, ({ mid }, at) => `M${x(mid) - 4} ${at}l4 -5l4 5l-4 5z`),
  ...ticks.map((points) => text(sign(points), x(points), 10, "middle")),
  ...leads.map(({ name, isEnglish }, i) => text(name, names, y(i) + 4, "end", isEnglish ? "strong" : "")),
  text(`← B ahead · A − B, ${unit} · A ahead →`, x(0), height - 2, "middle")));
};

// Draws the forest when it is first near the screen; the function it returns draws it again, of another pair.
const startForest = (table, packed) => {
  const choice = $("forest-block");
  let isSeen = false;
  const draw = () => {
    if (!isSeen || !packed.pairs.length) return;
    const { text, mark, titles } = packed.pairNow();
    const block = Number(choice.value);
    const leads = table.languages.flatMap(({ name, isEnglish, place }) => {
      const found = intervalOf(titles[block * table.languages.length + place]);
      if (!found) return [];
      return [{ ...found, name, isEnglish, isFirm: mark[block][place] === "H", isNoise: text[block][place][0] === "(" }];
    });
    const { unit } = table.columns.find((column) => Number(column.lead) === block);
    drawForest(leads.sort((a, b) => b.mid - a.mid), unit);
  };
  if (!choice) return draw;
  choice.addEventListener("input", draw);
  new IntersectionObserver((seen, watch) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    watch.disconnect();
    isSeen = true;
    packed.ready.then(draw);
  }, { rootMargin: "600px" }).observe($("forest"));
  return draw;
};
