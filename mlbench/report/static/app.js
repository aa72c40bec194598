// Sorting, finding, choosing a pair, and reading a cell. Everything works on the table as it was
// written: no number is formatted here a second time.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  root.classList.add("has-js");
  const heat = $("heat");
  if (!heat) return;
  const body = heat.tBodies[0];
  const rows = [...body.rows].filter((row) => row.dataset.i !== undefined);
  const pinned = [...body.rows].filter((row) => /english|means/.test(row.className));
  const heads = [...heat.tHead.querySelectorAll("th")].filter((th) => th.querySelector(".sort"));
  const n_pairs = document.querySelectorAll(".pair").length;
  const state = { sort: "", find: "", family: "", script: "", pair: "0" };

  const value = (cell) => {
    const text = cell.firstChild ? cell.firstChild.textContent : "";
    const found = /^\(?([+−]?[\d.]+)\)?$/.exec(text.trim());
    return found ? Number(found[1].replace("−", "-")) : NaN;
  };

  // A head of the second line is at the place where its column starts.
  const columnOf = (th) => {
    const first = [...heat.tHead.rows[0].cells].filter((cell) => cell.rowSpan === 2);
    const at = first.indexOf(th);
    return at >= 0 ? at : first.length + [...heat.tHead.rows[1].cells].indexOf(th);
  };

  const sortKey = (row, column) => {
    const cell = row.cells[column];
    if (column === 0) return cell.querySelector(".n").textContent;
    return column < 3 ? cell.textContent : value(cell);
  };

  const compare = (a, b, sign) => {
    if (typeof a === "string") return sign * a.localeCompare(b, "en");
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
    return sign * (a - b);
  };

  const sort = () => {
    const [column, way] = state.sort.split(".");
    heads.forEach((th) => th.removeAttribute("aria-sort"));
    const free = rows.filter((row) => !pinned.includes(row));
    const place = (row) => Number(row.dataset.i);
    if (way) {
      const head = heads.find((th) => columnOf(th) === Number(column));
      if (!head) return;
      head.setAttribute("aria-sort", way === "up" ? "ascending" : "descending");
      const keys = new Map(free.map((row) => [row, sortKey(row, Number(column))]));
      const sign = way === "up" ? 1 : -1;
      free.sort((a, b) => compare(keys.get(a), keys.get(b), sign) || place(a) - place(b));
    } else {
      free.sort((a, b) => place(a) - place(b));
    }
    const mean = pinned.filter((row) => !row.classList.contains("english"));
    const english = pinned.filter((row) => row.classList.contains("english"));
    body.append(...english, ...mean, ...free);
  };

  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();

  const filter = () => {
    const wanted = fold(state.find.trim());
    let shown = 0;
    for (const row of rows) {
      const facts = row.querySelectorAll("td.fact");
      const text = fold(row.cells[0].textContent + " " + facts[0].textContent + " " + facts[1].textContent);
      const fits = text.includes(wanted)
        && (!state.script || facts[0].textContent === state.script)
        && (!state.family || facts[1].textContent === state.family);
      row.hidden = !fits && !row.classList.contains("english");
      shown += fits;
    }
    $("count").textContent = `${shown} of ${rows.length} languages`;
  };

  // The columns of the other pairs are inflated when the first of them is chosen.
  let columns = null;
  const inflate = async () => {
    const packed = Uint8Array.from(atob($("data").textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };

  const setCell = (cell, [text, css, title, mark]) => {
    cell.textContent = text;
    cell.className = css;
    cell.title = title;
    if (mark) cell.append(Object.assign(document.createElement("sup"), { textContent: mark }));
  };

  let shownPair = "0";
  const showPair = async () => {
    document.querySelectorAll(".pair").forEach((part) => {
      part.hidden = part.dataset.pair !== state.pair;
    });
    if (shownPair === state.pair) return;
    columns = columns || await inflate();
    const chosen = columns[Number(state.pair)];
    for (const th of heat.querySelectorAll("[data-lead]")) {
      const column = columnOf(th);
      rows.forEach((row) => setCell(row.cells[column], chosen[th.dataset.lead][row.dataset.i]));
    }
    shownPair = state.pair;
  };

  const store = () => {
    const set = Object.entries(state).filter(([key, text]) => text && !(key === "pair" && text === "0"));
    const hash = new URLSearchParams(set).toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  };

  const restore = async () => {
    for (const [key, text] of new URLSearchParams(location.hash.slice(1))) {
      if (key in state) state[key] = text;
    }
    if (!(Number(state.pair) < n_pairs)) state.pair = "0";
    $("find").value = state.find;
    $("by-family").value = state.family;
    $("by-script").value = state.script;
    if ($("pair")) $("pair").value = state.pair;
    filter();
    sort();
    await showPair();
    sort();
  };

  const csv = () => {
    const quote = (text) => `"${text.trim().replaceAll('"', '""')}"`;
    const names = heads.map((th) => quote(groupOf(th) + th.textContent));
    const lines = [...body.rows].filter((row) => !row.hidden)
      .map((row) => [...row.cells].map((cell) => quote(cell.textContent.replace(/\s+/g, " "))).join(","));
    const blob = new Blob(["\ufeff", names.join(","), "\r\n", lines.join("\r\n"), "\r\n"], { type: "text/csv" });
    const link = Object.assign(document.createElement("a"), { download: "languages.csv" });
    link.href = URL.createObjectURL(blob);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  const groupOf = (th) => {
    let place = [...heat.tHead.rows[1].cells].indexOf(th);
    if (place < 0) return "";
    for (const group of heat.tHead.querySelectorAll("th.group")) {
      if (place < group.colSpan) return `${group.firstChild.textContent.trim()}: `;
      place -= group.colSpan;
    }
    return "";
  };

  // One cell is in the tab order; arrows move from there, and the strip below says what it holds.
  let at = null;
  const stand = (cell) => {
    if (at) { at.classList.remove("at"); at.tabIndex = -1; }
    at = cell;
    cell.tabIndex = 0;
    cell.classList.add("at");
    const name = cell.parentElement.cells[0].querySelector(".n").textContent;
    const head = heads.find((th) => columnOf(th) === cell.cellIndex);
    $("detail").textContent = cell.title ? `${name}, ${groupOf(head)}${head.textContent}: ${cell.title}` : "";
  };
  const leave = () => {
    if (at) at.classList.remove("at");
    $("detail").textContent = "";
  };
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const move = (cell, [down, right]) => {
    const seen = [...body.rows].filter((row) => !row.hidden);
    const row = seen[seen.indexOf(cell.parentElement) + down];
    const next = row && row.cells[cell.cellIndex + right];
    if (next && next.tagName === "TD") { stand(next); next.focus({ preventScroll: false }); }
  };

  body.addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (cell) stand(cell);
  });
  body.addEventListener("focusin", (event) => {
    if (event.target.tagName === "TD") stand(event.target);
  });
  body.addEventListener("keydown", (event) => {
    if (event.target.tagName === "TD" && moves[event.key]) {
      event.preventDefault();
      move(event.target, moves[event.key]);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
    if (event.key === "/" && !/INPUT|SELECT/.test(event.target.tagName)) {
      event.preventDefault();
      $("find").focus();
    }
  });
  for (const th of heads) {
    th.querySelector(".sort").addEventListener("click", () => {
      const column = columnOf(th);
      const first = column < 3 ? "up" : "down";
      const [now, way] = state.sort.split(".");
      const second = first === "up" ? "down" : "up";
      if (now !== String(column)) state.sort = `${column}.${first}`;
      else state.sort = way === first ? `${column}.${second}` : "";
      sort();
      store();
    });
  }
  const listen = (id, key, then) => $(id) && $(id).addEventListener("input", (event) => {
    state[key] = event.target.value;
    then();
    store();
  });
  listen("find", "find", filter);
  listen("by-family", "family", filter);
  listen("by-script", "script", filter);
  listen("pair", "pair", async () => { await showPair(); sort(); });
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("csv").addEventListener("click", csv);
  window.addEventListener("hashchange", restore);
  const start = rows[0] && rows[0].cells[3];
  if (start) start.tabIndex = 0;
  restore();
})();
