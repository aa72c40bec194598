// Wires the parts of the page: the state, the address that keeps it, the controls and the keys. What
// the parts do stands in the scripts before this one.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("has-js");
  // The theme is the reader's own, and no part of an address that is sent to others.
  try {
    const theme = localStorage.getItem("mlbench-theme");
    if (/^(dark|light)$/.test(theme)) root.dataset.theme = theme;
  } catch { /* as in turn */ }
  if (!$("heat")) return;
  // On a phone the legend would fill a screen before the table.
  if (matchMedia("(max-width:700px)").matches) document.querySelector(".reading").open = false;

  const state = { view: "", sort: "", find: "", family: "", script: "", class: "", pair: "", lang: "", group: "", country: "", for: "", leads: "" };
  const table = readTable($("heat"));
  const packed = readPacked(table);
  const view = () => table.show(state.view, packed.ready);
  let redrawForest = () => {};
  const filter = () => { filterRows(table, state); redrawForest(); };
  const sort = () => {
    if (!sortingOf(table, state.sort).column) state.sort = "";
    sortRows(table, state.sort);
  };

  // ---- one language -------------------------------------------------------------------------
  // In the order of the run, as replies name their models; columns may begin with another one.
  const names = [...$("view").querySelectorAll("[value^='model:']")].map((option) => option.textContent);
  const entryOf = (tag) => table.languages.find((entry) => entry.tag === tag);
  const neighbour = (way) => {
    const seen = table.shownRows().filter((entry) => entry.isLanguage);
    const now = Math.max(seen.findIndex((entry) => entry.tag === state.lang), way < 0 ? 0 : -1);
    const next = seen.at((now + way) % seen.length);
    return next ? next.tag : state.lang;
  };
  const open = (tag, group = "", country = "") => {
    const left = entryOf(state.lang);
    Object.assign(state, { lang: tag, group, country });
    store(true);
    language();
    if (!tag && left) left.cells[0].querySelector("a").focus();
  };
  const isOpen = () => state.lang || state.group || state.country;
  let choice = null;
  let seekable = Promise.resolve([]);
  const rankingOf = (key) => {
    const made = choice && choice.made(key);
    return made ? [make("p", { class: "answer" }, made.words), choiceTable(made, $("choose-table").tHead)] : [];
  };
  const group = async () => {
    const things = await seekable;
    const [kind, wanted] = state.group ? ["group", state.group] : ["country", state.country];
    const thing = things.find((one) => one.kind === kind && one.key === wanted);
    if (!thing || wanted !== state[kind]) return;
    const made = choice && choice.made(`${kind}=${wanted}`);
    const shares = Object.entries(made ? made.shares : {}).sort((a, b) => b[1] - a[1]);
    const mine = kind === "group" ? table.languages.filter(({ family }) => family === wanted).map(({ tag }) => tag) : [];
    const all = [...shares, ...mine.filter((tag) => !made || !(tag in made.shares)).map((tag) => [tag, null])];
    showGroup({
      name: thing.name,
      facts: kind === "group" ? `language family · ${mine.length} of the languages here` : "country · languages by who uses them (Unicode CLDR)",
      words: made ? `${made.words}${made.untested ? ` Not tested: ${made.untested} % of people.` : ""}` : thing.why || "No ranking: fewer than two of its languages were tested with all models.",
      ranking: made && choiceTable(made, $("choose-table").tHead),
      heads: ["Language", "Weight, %", ...(choice ? choice.names : [])],
      rows: all.map(([tag, share]) => ({
        tag, language: (entryOf(tag) || { name: tag }).name,
        cells: [share === null ? "–" : (100 * share).toFixed(0), ...(choice ? choice.names.map((_, m) => points(choice.levelOf(m, tag))) : [])],
      })),
      go: (tag) => open(tag),
    });
  };
  const language = async () => {
    const entry = entryOf(state.lang);
    leave();
    if (!entry) state.lang = "";
    root.classList.toggle("one-language", Boolean(isOpen()));
    $("language").hidden = !isOpen();
    $("language").replaceChildren();
    await packed.ready;
    if (!entry) { if (isOpen()) await group(); return; }
    if (state.lang !== entry.tag) return;
    const lines = table.columns.filter((column) => !column.isFact).map((column) => ({
      family: table.titleOf(column),
      model: column.lead === undefined ? column.th.textContent.trim() : "A − B",
      cell: table.cellFor(entry, column),
      words: packed.detail(entry, column),
    }));
    showLanguage(entry, {
      lines, names, folder: table.heat.dataset.docs, ranking: rankingOf(`lang=${entry.tag}`),
      go: (way) => open(way ? neighbour(way) : ""),
    });
  };

  // ---- the parts ------------------------------------------------------------------------------
  const leave = startCells(table, packed.detail, open);
  redrawForest = startForest(table, packed, (tag) => open(tag));
  let drawMap = () => {};
  const showPair = startPair(table, packed, {
    after: () => { leave(); drawMap(); redrawForest(); },
    chosen: async (name) => {
      state.pair = name;
      await changePair();
      store();
      if (state.lang) language();
    },
  });
  const changePair = async () => {
    await showPair(state.pair);
    if (!packed.shownPair) state.pair = "";
    sort();
  };
  startDownloads(table);
  let showChosen = () => {};
  const choosing = readChoice().then((read) => {
    choice = read;
    showChosen = startChooser(choice, { languages: table.languages, changed: (text) => { state.for = text; store(); } });
  });
  seekable = startSeek({
    languages: table.languages.map((entry) => {
      const endonym = entry.cells[0].querySelector("bdi").textContent;
      return { ...entry, endonym, caption: `${endonym} · ${entry.tag}` };
    }),
    go: (kind, key) => open(...["lang", "group", "country"].map((one) => (one === kind ? key : ""))),
  });
  packed.ready.then(() => {
    drawMap = startMap({
      groups: packed.groups,
      rows: (shown) => mapRows(table, packed, shown),
      name: (place) => table.languages[place].name,
      read: (text) => { $("detail").textContent = text; },
      open: (place) => open(table.languages[place].tag),
    });
  });

  // ---- the address keeps the view ------------------------------------------------------------
  const controls = new Map([["find", "find"], ["by-family", "family"], ["by-script", "script"], ["by-class", "class"], ["view", "view"], ["forest-block", "leads"]]);
  const store = (isStep) => {
    const set = Object.entries(state).filter(([, text]) => text);
    const hash = new URLSearchParams(set).toString();
    const address = hash ? `#${hash}` : location.pathname + location.search;
    history[isStep ? "pushState" : "replaceState"](null, "", address);
  };
  const restore = async () => {
    const hash = location.hash.slice(1);
    if (hash && !hash.includes("=")) { // a section of the page, not a view
      Object.assign(state, { lang: "", group: "", country: "" });
      filter();
      return language();
    }
    const given = new URLSearchParams(hash);
    for (const key of Object.keys(state)) state[key] = given.get(key) || "";
    for (const [id, key] of controls) {
      const control = $(id) || {};
      control.value = state[key];
      if (control.selectedIndex === -1) control.value = ""; // a value that this page has not
      state[key] = $(id) ? control.value : "";
    }
    await view();
    filter();
    await packed.ready;
    filter(); // now by what stands packed too: branch and class
    await changePair();
    await choosing;
    if (state.for) showChosen(state.for);
    await language();
    // What is chosen of the table is to be seen: the page would begin far above it.
    const isOfTable = ["view", "sort", "find", "family", "script", "class"].some((key) => state[key]);
    if (isOfTable && !isOpen() && !scrollY) $("scores").scrollIntoView();
  };

  // ---- controls and keys ----------------------------------------------------------------------
  const turn = () => {
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme:dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
    try { localStorage.setItem("mlbench-theme", root.dataset.theme); } catch { /* a browser may forbid it: then it lasts as long as the page */ }
  };
  const keys = {
    Escape: () => { if (isOpen()) open(""); leave(); },
    "/": () => $("seek").focus(),
    "[": () => open(neighbour(-1)),
    "]": () => open(neighbour(1)),
    d: turn,
    "?": () => $("help").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const isTyping = /INPUT|SELECT|TEXTAREA/.test(event.target.tagName) && event.key !== "Escape";
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key] || $("help").open) return;
    event.preventDefault();
    keys[event.key]();
  });
  for (const column of table.columns) {
    column.th.querySelector(".sort").addEventListener("click", () => {
      const steps = column.isFact ? ["up", "down"] : ["down", "up"];
      const { column: now, way } = sortingOf(table, state.sort);
      const next = now === column ? steps[steps.indexOf(way) + 1] : steps[0];
      state.sort = next ? `${column.key}|${next}` : "";
      sort();
      store();
    });
  }
  for (const [id, key] of controls) {
    if (!$(id)) continue;
    $(id).addEventListener("input", () => { state[key] = $(id).value; (id === "view" ? view : filter)(); store(); });
  }
  $("copy-bibtex")?.addEventListener("click", () => navigator.clipboard.writeText($("bibtex").textContent));
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("theme").addEventListener("click", turn);
  $("keys").addEventListener("click", keys["?"]);
  document.querySelector("nav.top ul").addEventListener("click", () => { if (isOpen()) open(""); });
  addEventListener("popstate", restore);
  restore();
})();
