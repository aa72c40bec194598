// The map of all languages: draws any view of it, and reads the column that is pointed at.
// `rows(view)` gives names and cells (class and sentence by place of the language); `groups` by grouping.
"use strict";
const mapRows = (table, packed, view) => {
  const scores = table.columns.filter((column) => !column.isFact && column.lead === undefined);
  const leads = table.columns.filter((column) => column.lead !== undefined);
  const cellsOf = (column) => (place) => {
    const own = table.cellFor(table.languages[place], column);
    const detail = packed.detail(table.languages[place], column);
    return [own.className, column.kind === "mean" && detail ? detail : [own.textContent, detail].filter(Boolean).join("; ")];
  };
  const inFamily = (column) => ({ name: table.titleOf(column), cells: cellsOf(column) });
  const pooled = (isBeyond) => {
    const { css, titles } = packed.maps;
    const row = 2 * packed.shownPair + Number(isBeyond);
    return {
      name: "mean of families",
      cells: (place) => [css[row][place], titles[row * table.languages.length + place]],
    };
  };
  if (view === "lead") return [pooled(false), ...leads.map(inFamily)];
  if (view === "beyond") return [pooled(true)];
  if (view) return scores.filter((c) => c.model === view.replace("model:", "")).map(inFamily);
  const means = scores.filter((c) => c.kind === "mean");
  const first = means.length ? means : scores.filter((c) => c.block === scores[0].block);
  const order = (table.heat.dataset.order || "").split("\n");
  first.sort((a, b) => order.indexOf(a.model) - order.indexOf(b.model));
  return first.map((c) => ({ name: c.th.textContent.trim(), cells: cellsOf(c) }));
};

const startMap = ({ groups, rows, name, read, open }) => {
  const [ROW, GAP, WIDTH] = [10, 4, 1000];
  const map = $("map");
  if (!map) return () => {};
  const [list, svg, labels] = [map.querySelector("ol"), ...map.querySelectorAll("svg")];
  let shown = [];
  let order = []; // places of languages from left to right, with their x
  let cell = 0;
  let at = [0, 0];
  const mark = make("path", { class: "here" });

  const draw = () => {
    const mine = groups[$("map-group").value];
    shown = rows($("map-view").value);
    const n = mine.reduce((sum, [, places]) => sum + places.length, 0);
    cell = (WIDTH - GAP * (mine.length - 1)) / n;
    order = [];
    let x = 0;
    const texts = mine.map(([text, places], i) => {
      const isLast = x > 0.85 * WIDTH; // its name ends where the group does, and so stays inside
      const css = `${places.length < 8 ? "small" : ""} ${isLast ? "end" : ""}`.trim();
      const edge = isLast ? x + cell * places.length : x;
      const label = make("text", { x: `${edge / 10}%`, y: 11 + 14 * (i % 2), class: css }, text);
      for (const place of places) { order.push([place, x]); x += cell; }
      x += GAP;
      return label;
    });
    const outlines = {};
    shown.forEach(({ cells }, i) => {
      for (const [place, left] of order) {
        const [colour = "gone"] = /^([sdp]\d+|ns|plain|nac|below)\b/.exec(cells(place)[0]) || [];
        outlines[colour] = `${outlines[colour] || ""}M${left.toFixed(1)} ${i * ROW}h${cell.toFixed(2)}v${ROW - 1}h-${cell.toFixed(2)}z`;
      }
    });
    list.replaceChildren(...shown.map((row) => make("li", {}, make("bdi", {}, row.name))));
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${ROW * shown.length}`);
    svg.setAttribute("height", 18 * shown.length);
    svg.replaceChildren(...Object.entries(outlines).map(([css, d]) => make("path", { class: css, d })), mark);
    labels.replaceChildren(...texts);
    mark.setAttribute("d", "");
    at = [0, Math.min(at[1], shown.length - 1)];
  };
  const stand = (column, row) => {
    if (!order[column] || !shown[row]) return;
    at = [column, row];
    const [place, x] = order[column];
    mark.setAttribute("d", `M${x} ${row * ROW}h${cell}v${ROW - 1}h-${cell}z`);
    read(`${name(place)}, ${shown[row].name}: ${shown[row].cells(place)[1]}`);
  };
  const under = (event) => {
    const box = svg.getBoundingClientRect();
    const x = (WIDTH * (event.clientX - box.left)) / box.width;
    const row = Math.floor((shown.length * (event.clientY - box.top)) / box.height);
    return [Math.max(0, order.findLastIndex(([, left]) => left <= x)), row];
  };
  svg.addEventListener("mousemove", (event) => stand(...under(event)));
  svg.addEventListener("click", (event) => { stand(...under(event)); open(order[at[0]][0]); });
  map.addEventListener("focus", () => stand(...at));
  map.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) { event.preventDefault(); stand(at[0] + step[0], at[1] + step[1]); }
    if (event.key === "Enter") open(order[at[0]][0]);
  });
  for (const id of ["map-view", "map-group"]) $(id).addEventListener("input", draw);
  draw();
  return draw;
};
