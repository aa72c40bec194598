// Finding a country. The rows of all but a few come from packed data when they are first needed.
"use strict";
(() => {
  const find = $("find-country");
  const others = $("market-others");
  if (!find) return;
  const fill = async () => {
    const body = others && others.querySelector("tbody");
    if (!body || body.rows.length) return;
    const rows = await inflate($("market-data").textContent);
    if (body.rows.length) return; // asked for twice at once
    const width = others.querySelector("thead tr").cells.length;
    body.append(...rows.map(([name, ...cells]) => {
      const room = width - cells.length; // the reason stands in place of all levels
      const facts = (text) => (/: no level/.test(text) ? { class: "xm none", colspan: room } : {});
      return make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((text, i) => make("td", i === 1 ? facts(text) : {}, text)));
    }));
  };
  if (others) others.addEventListener("toggle", fill);
  find.addEventListener("input", async () => {
    await fill();
    const wanted = fold(find.value.trim());
    for (const row of document.querySelectorAll(".markets tbody tr")) {
      row.hidden = !fold(row.cells[0].textContent).includes(wanted);
    }
    if (others && wanted) others.open = true;
  });
})();
