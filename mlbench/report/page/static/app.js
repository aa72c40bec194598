// Choosing columns, a pair and a language; sorting, finding, reading a cell. Everything works on the
// table as it was written and on text from the same hand: no number is formatted here a second time.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("has-js");
  const heat = $("heat");
  if (!heat) return;

  // ---- the table: rows, columns, cells ------------------------------------------------------
  const body = heat.tBodies[0];
  const facts = [...heat.tHead.rows[0].cells].filter((th) => th.rowSpan === 2);
  // Columns `more` have no cells in the markup: they are made when they are first shown.
  const columns = [...facts, ...heat.tHead.rows[1].cells].map((th, index) => {
    const isMore = th.classList.contains("more");
    th.hidden = isMore;
    return { th, index, ...th.dataset, isFact: index < facts.length, isShown: !isMore, isMade: !isMore };
  });
  const columnOf = new WeakMap();
  const all = [...body.rows].map((row) => {
    const made = columns.filter((column) => column.isMade);
    const cells = [];
    made.forEach((column, i) => { cells[column.index] = row.cells[i]; columnOf.set(row.cells[i], column); });
    return {
      row, cells,
      place: row.dataset.i === undefined ? -1 : Number(row.dataset.i),
      isEnglish: row.classList.contains("english"),
      name: cells[0].querySelector(".n").textContent,
      tag: row.dataset.tag || "",
      script: cells[1].textContent,
      family: cells[2].textContent,
      words: fold(made.slice(0, facts.length).map((_, i) => cells[i].textContent).join(" ")),
    };
  });
  const languages = all.filter((entry) => entry.place >= 0);
  const means = all.find((entry) => entry.place < 0);
  const at = new Map(all.map((entry) => [entry.row, entry]));
  const groups = [...heat.tHead.querySelectorAll("th.group")];
  let first = facts.length;
  for (const th of groups) {
    const mine = columns.slice(first, first + Number(th.dataset.n));
    mine.forEach((column) => { column.group = th; });
    first += mine.length;
  }
  const headOf = (column) => (column.group ? `${column.group.firstChild.textContent.trim()}: ` : "")
    + column.th.textContent.trim();

  const state = { view: "", sort: "", find: "", family: "", script: "", class: "", pair: "", lang: "", theme: "" };

  // ---- data that stands in the page packed ---------------------------------------------------
  const read = (id) => ($(id) ? inflate($(id).textContent) : Promise.resolve(null));
  let details = [];
  let more = [];
  let pairs = [];
  let shownPair = 0;
  let groupings = {};
  let pairNames = []; // "a vs b", the first pair of the page first
  const ready = Promise.all([read("cell-data"), read("pair-data")]).then(([cells, found]) => {
    details = sentences(cells.titles);
    more = cells.more;
    for (const entry of languages) {
      const [branch, level, speakers] = cells.facts[entry.place];
      const words = `${entry.words} ${fold(branch)}`;
      Object.assign(entry, { branch, level: level === null ? "" : String(level), speakers, words });
    }
    if (found) maps = { css: found.maps.css, titles: sentences(found.maps.titles) };
    groupings = cells.groups;
    if (!found) return;
    pairNames = found.names;
    const titles = sentences(found.titles);
    const n = titles.length / found.text.length;
    pairs = found.text.map((text, i) => ({
      text, css: found.css[i], mark: found.mark[i], titles: titles.slice(i * n, (i + 1) * n),
      slots: found.slots[i], verdict: found.verdicts[i],
    }));
  });
  const width = columns.length - facts.length;
  const detail = ({ place }, column) => {
    if (column.isFact) return "";
    const row = place < 0 ? languages.length : place;
    const own = details[row * width + column.index - facts.length] || "";
    const pair = pairs[shownPair];
    if (own || !pair || column.lead === undefined || place < 0) return own;
    return pair.titles[Number(column.lead) * languages.length + place];
  };

  // ---- the map of all languages ----------------------------------------------------------------
  let maps = null; // of each pair: all families together, then beyond English
  let drawMap = () => {};
  const cellsOf = (column) => (place) => {
    const own = cellFor(languages[place], column);
    return [own.className, [own.textContent, detail(languages[place], column)].filter(Boolean).join("; ")];
  };
  const pooledRow = (isBeyond, label) => {
    const row = 2 * shownPair + Number(isBeyond);
    return { name: label, cells: (place) => [maps.css[row][place], maps.titles[row * languages.length + place]] };
  };
  const mapRows = (view) => {
    const scores = columns.filter((column) => !column.isFact && column.lead === undefined);
    const leads = columns.filter((column) => column.lead !== undefined);
    const label = (column) => column.group.firstChild.textContent.trim();
    if (view === "lead") {
      return [pooledRow(false, "mean of families"), ...leads.map((c) => ({ name: label(c), cells: cellsOf(c) }))];
    }
    if (view === "beyond") return [pooledRow(true, "mean of families")];
    const model = view.replace("model:", "");
    if (view) return scores.filter((c) => c.model === model).map((c) => ({ name: label(c), cells: cellsOf(c) }));
    const means = scores.filter((c) => c.kind === "mean");
    const first = means.length ? means : scores.filter((c) => c.block === scores[0].block);
    const order = (heat.dataset.order || "").split("\n");
    first.sort((a, b) => order.indexOf(a.model) - order.indexOf(b.model));
    return first.map((c) => ({ name: c.th.textContent.trim(), cells: cellsOf(c) }));
  };

  // ---- columns ------------------------------------------------------------------------------
  const cellFor = (entry, column) => {
    const own = entry.cells[column.index];
    if (own) return own;
    const place = entry.place < 0 ? languages.length : entry.place;
    return setCell(make("td"), ...more[column.index - facts.length].map((part) => part[place]));
  };
  const makeColumn = (column) => {
    const next = columns.slice(column.index).find((other) => other.isMade);
    for (const entry of all) {
      const cell = cellFor(entry, column);
      entry.row.insertBefore(cell, next ? entry.cells[next.index] : null);
      entry.cells[column.index] = cell;
      columnOf.set(cell, column);
    }
    column.isMade = true;
  };
  const fits = (column, view) => {
    const [, kind, name] = /^(\w*):?(.*)$/s.exec(view);
    if (column.isFact || kind === "all") return true;
    if (!kind) return !column.th.classList.contains("more");
    if (kind === "family") return column.block === name;
    if (kind === "model") return column.model === name && column.kind !== "mean";
    if (kind === "leads") return column.kind === "lead";
    return column.kind === "mean";
  };
  const view = async () => {
    const isKnown = columns.some((column) => !column.isFact && fits(column, state.view));
    const changed = columns.filter((column) => fits(column, isKnown ? state.view : "") !== column.isShown);
    if (changed.some((column) => !column.isMade)) await ready;
    for (const column of changed) {
      column.isShown = !column.isShown;
      if (!column.isMade) makeColumn(column);
      column.th.hidden = !column.isShown;
      for (const entry of all) entry.cells[column.index].hidden = !column.isShown;
    }
    for (const group of groups) {
      const n = columns.filter((column) => column.group === group && column.isShown).length;
      group.hidden = !n;
      if (n) group.colSpan = n;
    }
  };

  // ---- rows: sort and filter ----------------------------------------------------------------
  const sorting = () => {
    const cut = state.sort.lastIndexOf("|");
    return { column: columns.find((c) => c.key === state.sort.slice(0, cut)), way: state.sort.slice(cut + 1) };
  };
  const sort = () => {
    const { column, way } = sorting();
    columns.forEach(({ th }) => th.removeAttribute("aria-sort"));
    const free = languages.filter((entry) => !entry.isEnglish);
    free.sort((a, b) => a.place - b.place);
    if (!column) state.sort = "";
    else {
      column.th.setAttribute("aria-sort", way === "up" ? "ascending" : "descending");
      const key = (entry) => (column.index === 0 ? entry.name
        : column.isFact ? entry.cells[column.index].textContent : numberOf(cellFor(entry, column).firstChild));
      const keys = new Map(free.map((entry) => [entry, key(entry)]));
      free.sort((a, b) => compare(keys.get(a), keys.get(b), way === "up" ? 1 : -1) || a.place - b.place);
    }
    const pinned = [...languages.filter((entry) => entry.isEnglish), ...(means ? [means] : [])];
    const order = [...pinned, ...free].map((entry) => entry.row);
    if (order.some((row, place) => row !== body.rows[place])) body.append(...order);
  };

  const filter = () => {
    const wanted = fold(state.find.trim());
    let shown = 0;
    for (const entry of languages) {
      const is = (key, own) => !state[key] || state[key] === own;
      const fitting = entry.words.includes(wanted) && is("script", entry.script)
        && is("family", entry.family) && is("class", entry.level);
      entry.row.hidden = !fitting && !entry.isEnglish;
      shown += fitting;
    }
    $("count").textContent = `${shown} of ${languages.length} languages`;
  };

  // ---- the pair -----------------------------------------------------------------------------
  const firstVerdict = $("verdict-pair") ? [...$("verdict-pair").childNodes] : [];
  const pairNow = () => Math.max(0, pairNames.indexOf(state.pair));
  // Only a pair that was judged can be chosen: of many models each stands against the best one.
  const showChoice = () => {
    if (!$("pair-a")) return;
    const [a, b] = (pairNames[pairNow()] || "").split(" vs ");
    $("pair-a").value = a;
    for (const option of $("pair-b").options) {
      option.disabled = option.value === a || !pairNames.includes(`${a} vs ${option.value}`);
    }
    $("pair-b").value = b;
  };
  const showPair = async () => {
    await ready;
    const now = pairNow();
    if (!now) state.pair = "";
    showChoice();
    if (!pairs.length || now === shownPair) return;
    const { text, css, mark, verdict, slots } = pairs[now];
    // Escaped by the same template as the first pair's, which stands in the page.
    if (now) $("verdict-pair").innerHTML = verdict;
    else $("verdict-pair").replaceChildren(...firstVerdict);
    for (const column of columns.filter((c) => c.lead !== undefined)) {
      const block = Number(column.lead);
      for (const { cells, place } of languages) {
        setCell(cells[column.index], text[block][place], css[block][place], mark[block][place]);
      }
    }
    document.querySelectorAll("[data-slot]").forEach((node) => {
      const given = slots[node.dataset.slot];
      if (node.tagName === "path") node.setAttribute("d", given || "");
      else node.textContent = given || "";
    });
    shownPair = now;
    leave();
    drawMap();
    if (forestIsSeen) forest();
  };

  let forestIsSeen = false;
  const forest = () => {
    if (!pairs.length) return;
    const { text, mark, titles } = pairs[shownPair];
    const block = Number($("forest-block").value);
    const leads = languages.flatMap(({ name, isEnglish, place }) => {
      const found = intervalOf(titles[block * languages.length + place]);
      if (!found) return [];
      return [{ ...found, name, isEnglish, isFirm: mark[block][place] === "H", isNoise: text[block][place][0] === "(" }];
    });
    const { unit } = columns.find((column) => Number(column.lead) === block);
    drawForest(leads.sort((a, b) => b.mid - a.mid), unit);
  };

  // ---- one language -------------------------------------------------------------------------
  // In the order of the run, as replies name their models; columns may begin with another one.
  const names = [...$("view").querySelectorAll("[value^='model:']")].map((option) => option.textContent);
  const neighbour = (way) => {
    const seen = [...body.rows].map((row) => at.get(row)).filter((entry) => entry.place >= 0 && !entry.row.hidden);
    const now = Math.max(seen.findIndex((entry) => entry.tag === state.lang), way < 0 ? 0 : -1);
    const next = seen.at((now + way) % seen.length);
    return next ? next.tag : state.lang;
  };
  const entryOf = (tag) => languages.find((entry) => entry.tag === tag);
  const open = (tag) => {
    const left = entryOf(state.lang);
    state.lang = tag;
    store(true);
    language();
    if (!tag && left) left.cells[0].querySelector("a").focus();
  };
  const language = async () => {
    const entry = entryOf(state.lang);
    leave();
    root.classList.toggle("one-language", Boolean(entry));
    $("language").hidden = !entry;
    $("language").replaceChildren();
    if (!entry) { state.lang = ""; return; }
    await ready;
    if (state.lang !== entry.tag) return;
    const lines = columns.filter((column) => !column.isFact).map((column) => ({
      family: column.group.firstChild.textContent.trim(),
      model: column.lead === undefined ? column.th.textContent.trim() : "A − B",
      cell: cellFor(entry, column),
      words: detail(entry, column),
    }));
    showLanguage(entry, {
      lines, names, folder: heat.dataset.docs,
      go: (way) => open(way ? neighbour(way) : ""),
    });
  };

  // ---- the address keeps the view ------------------------------------------------------------
  const store = (isStep) => {
    const set = Object.entries(state).filter(([, text]) => text);
    const hash = new URLSearchParams(set).toString();
    const address = hash ? `#${hash}` : location.pathname + location.search;
    history[isStep ? "pushState" : "replaceState"](null, "", address);
  };
  const restore = async () => {
    const hash = location.hash.slice(1);
    if (hash && !hash.includes("=")) { // a section of the page, not a view
      state.lang = "";
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
    if (!/^(dark|light)$/.test(state.theme)) state.theme = root.dataset.theme || "";
    if (state.theme) root.dataset.theme = state.theme;
    await view();
    filter();
    await ready;
    filter(); // now by what stands packed too: branch and class
    await showPair();
    sort();
    await language();
  };

  // ---- what is on screen, to download --------------------------------------------------------
  const shownCells = () => [...body.rows].filter((row) => !row.hidden).map((row) => columns
    .filter((column) => column.isShown).map((column) => [column, at.get(row).cells[column.index].textContent.replace(/\s+/g, " ").trim()]));
  const csv = () => {
    // A spreadsheet would run text that begins like a formula (mlbench/spreadsheet.py); numbers stay.
    const isRisky = (text) => /^'*[=+\-@]/.test(text) && !/^[+-]?[\d.,]*\s?%?$/.test(text);
    const quote = (text) => `"${(isRisky(text) ? "'" : "") + text.replaceAll('"', '""')}"`;
    const heads = columns.filter((column) => column.isShown).map((column) => quote(headOf(column)));
    const lines = shownCells().map((cells) => cells.map(([, text]) => quote(text)).join(","));
    save("languages.csv", "text/csv", "\ufeff", [heads.join(","), ...lines, ""].join("\r\n"));
  };
  const json = () => save("languages.json", "application/json", JSON.stringify(shownCells().map((cells) => (
    Object.fromEntries(cells.map(([column, text]) => [headOf(column), text])))), null, 1));

  // ---- reading a cell, keys -------------------------------------------------------------------
  // One cell is in the tab order; arrows move from there, and the strip below says what it holds.
  let here = null;
  const stand = (cell) => {
    if (here) { here.classList.remove("at"); here.tabIndex = -1; }
    here = cell;
    cell.tabIndex = 0;
    cell.classList.add("at");
    const entry = at.get(cell.parentElement);
    const column = columnOf.get(cell);
    const text = detail(entry, column);
    $("detail").textContent = text ? `${entry.name}, ${headOf(column)}: ${text}` : "";
  };
  const leave = () => {
    if (here) here.classList.remove("at");
    $("detail").textContent = "";
  };
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const move = (cell, [down, right]) => {
    const seen = [...body.rows].filter((row) => !row.hidden);
    const row = seen[seen.indexOf(cell.parentElement) + down];
    const shown = columns.filter((column) => column.isShown);
    const column = shown[shown.indexOf(columnOf.get(cell)) + right];
    const next = row && column && at.get(row).cells[column.index];
    if (next && next.tagName === "TD") { stand(next); next.focus(); }
  };
  const cellOf = (event) => event.target.closest("#heat tbody td");
  body.addEventListener("click", (event) => {
    if (event.target.closest("a.n")) { event.preventDefault(); open(at.get(event.target.closest("tr")).tag); }
    else if (cellOf(event)) { stand(cellOf(event)); here.focus({ preventScroll: true }); }
  });
  body.addEventListener("focusin", (event) => { if (cellOf(event)) stand(cellOf(event)); });
  body.addEventListener("mouseover", (event) => {
    const cell = cellOf(event);
    if (cell) cell.title = detail(at.get(cell.parentElement), columnOf.get(cell));
  });
  body.addEventListener("keydown", (event) => {
    if (event.target.tagName !== "TD") return;
    if (moves[event.key]) { event.preventDefault(); move(event.target, moves[event.key]); }
    if (event.key === "Enter" && at.get(event.target.parentElement).tag) open(at.get(event.target.parentElement).tag);
  });
  const turn = () => {
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme:dark)").matches;
    state.theme = isDark ? "light" : "dark";
    root.dataset.theme = state.theme;
    store();
  };
  const keys = {
    Escape: () => { if (state.lang) open(""); leave(); },
    "/": () => { if (state.lang) open(""); $("find").focus(); },
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

  // ---- controls -------------------------------------------------------------------------------
  for (const column of columns) {
    column.th.querySelector(".sort").addEventListener("click", () => {
      const steps = column.isFact ? ["up", "down"] : ["down", "up"];
      const { column: now, way } = sorting();
      const next = now === column ? steps[steps.indexOf(way) + 1] : steps[0];
      state.sort = next ? `${column.key}|${next}` : "";
      sort();
      store();
    });
  }
  const controls = new Map([["find", "find"], ["by-family", "family"], ["by-script", "script"], ["by-class", "class"], ["view", "view"]]);
  for (const [id, key] of controls) {
    if (!$(id)) continue;
    $(id).addEventListener("input", () => { state[key] = $(id).value; (id === "view" ? view : filter)(); store(); });
  }
  const choosePair = async (name) => {
    state.pair = name;
    await showPair();
    sort();
    store();
    if (state.lang) language();
  };
  $("pair-a")?.addEventListener("input", () => {
    const a = $("pair-a").value;
    const partners = [$("pair-b").value, ...[...$("pair-b").options].map((option) => option.value)];
    choosePair(partners.map((b) => `${a} vs ${b}`).find((name) => pairNames.includes(name)));
  });
  $("pair-b")?.addEventListener("input", () => choosePair(`${$("pair-a").value} vs ${$("pair-b").value}`));
  $("swap")?.addEventListener("click", async () => {
    await ready;
    choosePair(pairNames[(pairNow() + pairNames.length / 2) % pairNames.length]);
  });
  if ($("forest-block")) {
    $("forest-block").addEventListener("input", forest);
    new IntersectionObserver((seen, watch) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      watch.disconnect();
      forestIsSeen = true;
      ready.then(forest);
    }, { rootMargin: "600px" }).observe($("forest"));
  }
  $("copy-bibtex")?.addEventListener("click", () => navigator.clipboard.writeText($("bibtex").textContent));
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("csv").addEventListener("click", csv);
  $("json").addEventListener("click", json);
  $("theme").addEventListener("click", turn);
  $("keys").addEventListener("click", keys["?"]);
  document.querySelector("nav.top ul").addEventListener("click", () => { if (state.lang) open(""); });
  addEventListener("popstate", restore);
  ready.then(() => {
    drawMap = startMap({
      groups: groupings,
      rows: mapRows,
      name: (place) => languages[place].name,
      read: (text) => { $("detail").textContent = text; },
      open: (place) => open(languages[place].tag),
    });
  });
  const start = languages[0] && columns.find((column) => !column.isFact);
  if (start) languages[0].cells[start.index].tabIndex = 0;
  restore();
})();
