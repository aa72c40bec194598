// Choosing the two models: the verdict, the columns of differences and every slot of the page follow.
// `after` is called when another pair is shown, `chosen` when the reader has chosen one by its name.
"use strict";
const startPair = (table, packed, { after, chosen }) => {
  const first = $("verdict-pair") ? [...$("verdict-pair").childNodes] : [];
  const names = () => packed.pairNames;
  const placeOf = (name) => Math.max(0, names().indexOf(name));
  // Only a pair that was judged can be chosen.
  const showChoice = (name) => {
    if (!$("pair-a")) return;
    const [a, b] = (names()[placeOf(name)] || "").split(" vs ");
    $("pair-a").value = a;
    for (const option of $("pair-b").options) {
      option.disabled = option.value === a || !names().includes(`${a} vs ${option.value}`);
    }
    $("pair-b").value = b;
  };
  const show = async (name) => {
    await packed.ready;
    const now = placeOf(name);
    showChoice(name);
    if (!packed.pairs.length || now === packed.shownPair) return;
    const { text, css, mark, verdict, slots } = packed.pairs[now];
    // Escaped by the same template as the first pair's, which stands in the page.
    if (now) $("verdict-pair").innerHTML = verdict;
    else $("verdict-pair").replaceChildren(...first);
    for (const column of table.columns.filter((c) => c.lead !== undefined)) {
      const block = Number(column.lead);
      for (const { cells, place } of table.languages) {
        setCell(cells[column.index], text[block][place], css[block][place], mark[block][place]);
      }
    }
    document.querySelectorAll("[data-slot]").forEach((node) => {
      const given = slots[node.dataset.slot];
      if (node.tagName === "path") node.setAttribute("d", given || "");
      else node.textContent = given || "";
    });
    packed.shownPair = now;
    after();
  };

  $("pair-a")?.addEventListener("input", () => {
    const a = $("pair-a").value;
    const partners = [$("pair-b").value, ...[...$("pair-b").options].map((option) => option.value)];
    chosen(partners.map((b) => `${a} vs ${b}`).find((name) => names().includes(name)));
  });
  $("pair-b")?.addEventListener("input", () => chosen(`${$("pair-a").value} vs ${$("pair-b").value}`));
  $("swap")?.addEventListener("click", async () => {
    await packed.ready;
    chosen(names()[(packed.shownPair + names().length / 2) % names().length]);
  });
  return show;
};
