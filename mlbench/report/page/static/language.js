// The page of one language: every score in words, and docs with what all models made of them.
"use strict";

// Docs are in the page, or in one file per language of a folder beside it: a page opened by double-click
// may load a script from there, but not fetch it.
let takeDocs = () => {};
const mlbenchDocs = (place, text) => takeDocs(place, text);
const docsOf = (place, folder) => {
  if ($(`docs-${place}`)) return inflate($(`docs-${place}`).textContent);
  if (!folder) return Promise.resolve(null);
  return new Promise((resolve) => {
    takeDocs = (found, text) => { if (found === place) resolve(inflate(text)); };
    const script = make("script", { src: `${folder}/${place}.js` });
    script.onerror = () => resolve(null); // the page was moved without its folder, and says so
    document.head.append(script);
  });
};

const copyOf = (node) => {
  const copy = node.cloneNode(true);
  copy.hidden = false;
  copy.removeAttribute("tabindex");
  copy.classList.remove("at");
  return copy;
};

// `lines`: family, model, cell and what stands behind it, of every column.
const scoresOf = (lines) => make("table", { class: "heat lines" },
  make("caption", {}, "Every score, with what is behind it"),
  make("thead", {}, make("tr", {}, ...["Family", "Model", "Score", "Behind it"].map((text) => make("th", { scope: "col" }, text)))),
  make("tbody", {}, ...lines.map(({ family, model, cell, words }) => make("tr", {},
    make("th", { scope: "row" }, family), make("td", { class: "who" }, model), copyOf(cell), make("td", { class: "behind" }, words)))));

// A text in the language of the page, or in the one that it is paired with.
const bdi = (text) => make("bdi", { dir: "auto" }, text);

const docOf = (doc, label, { foreign, names }) => {
  const reply = (model) => {
    const [choice, note, written] = doc.out[model];
    const name = make("b", {}, names[model]);
    if (choice === null) return make("li", {}, name, ` ${note}`, ...(written === undefined ? [] : [": ", bdi(written)]));
    const verdict = choice === doc.target ? " ✓ right: " : " ✗ wrong: ";
    return make("li", {}, name, verdict, foreign("bdi", doc.choices[choice]), make("small", {}, ` (${note})`));
  };
  return make("article", { class: "doc" },
    make("p", { class: "facts" }, `${label} · doc ${doc.id}`),
    doc.text ? foreign("blockquote", doc.text) : "",
    doc.reference ? make("p", {}, make("b", {}, "Reference "), bdi(doc.reference)) : "",
    make("div", { class: "sides" },
      doc.choices ? make("ol", {}, ...doc.choices.map((choice, i) => (
        make("li", {}, foreign("bdi", choice), i === doc.target ? make("b", {}, " ← right answer") : "")))) : "",
      make("ul", {}, ...Object.keys(doc.out).map(reply))));
};

const docsPart = (families, how) => {
  const list = make("div");
  const pick = make("select", {}, ...families.map((family, i) => make("option", { value: i }, family.title)));
  const who = make("select");
  const fill = () => {
    const { labels, docs, n, problem } = families[pick.value];
    const shown = docs.filter((doc) => !who.value || doc.why === who.value);
    list.replaceChildren(
      make("p", { class: "how" }, `${docs.length} of ${n} docs, chosen for disagreement between the first two models: they show how the models differ, not how often. ${problem}`),
      ...shown.map((doc) => docOf(doc, labels[doc.why], how)));
  };
  const renew = () => {
    const { labels, docs } = families[pick.value];
    const there = Object.keys(labels).filter((why) => docs.some((doc) => doc.why === why));
    who.replaceChildren(make("option", { value: "" }, "all"), ...there.map((why) => make("option", { value: why }, labels[why])));
    fill();
  };
  pick.addEventListener("input", renew);
  who.addEventListener("input", fill);
  renew();
  return make("div", {}, make("h3", {}, "Docs, all models side by side"),
    make("p", { class: "controls" }, make("label", {}, "Family ", pick), make("label", {}, "Docs ", who)), list);
};

// The page of a language family or a country: a sentence, the ranking, and its languages with their levels.
const showGroup = ({ name, facts, words, ranking, rows, heads, go }) => {
  const part = $("language");
  part.replaceChildren(
    make("p", {}, make("button", { type: "button", on: () => go("") }, "← All languages")),
    make("h2", { tabindex: -1 }, name),
    make("p", { class: "facts" }, facts),
    make("p", { class: "answer" }, words),
    ranking || "",
    rows.length ? make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Languages of ${name}` },
      make("table", { class: "heat lines" },
        make("caption", {}, "Its languages, the heaviest first: mean adjusted scores"),
        make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)))),
        make("tbody", {}, ...rows.map(({ tag, language, cells }) => {
          const link = make("a", { href: `#lang=${encodeURIComponent(tag)}` }, language);
          link.addEventListener("click", (event) => { event.preventDefault(); go(tag); });
          return make("tr", {}, make("th", { scope: "row" }, link), ...cells.map((text) => make("td", {}, text)));
        })))) : "");
  part.querySelector("h2").focus({ preventScroll: true });
  scrollTo(0, 0);
};

// Shows the language of a row of the table; `go(way)` leaves it: 0 for all, else a neighbour. `ranking`
// holds the words and the table of how the models stand in it.
const showLanguage = async (entry, { lines, names, folder, ranking, go }) => {
  const part = $("language");
  const { level, branch, speakers } = entry;
  const known = [entry.tag, entry.script, [entry.family, branch].filter(Boolean).join(" › "),
    level && `resource class ${level}`, speakers && `${speakers} speakers`];
  const caveat = entry.cells[0].querySelector(".caveat");
  const endonym = entry.cells[0].querySelector("bdi");
  const button = (text, way) => make("button", { type: "button", on: () => go(way) }, text);
  const foreign = (tag, text) => make(tag, { lang: endonym.lang, dir: "auto" }, text);
  part.replaceChildren(
    make("p", {}, button("← All languages", 0), " ", button("[ previous", -1), " ", button("next ]", 1)),
    make("h2", { tabindex: -1 }, `${entry.name} `, copyOf(endonym)),
    make("p", { class: "facts" }, known.filter(Boolean).join(" · ")),
    caveat ? make("p", { class: "warn" }, caveat.title) : "",
    ...ranking,
    make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Scores of the language" }, scoresOf(lines)));
  const head = part.querySelector("h2");
  head.focus({ preventScroll: true });
  scrollTo(0, 0);
  const families = await docsOf(entry.place, folder);
  if (!head.isConnected) return; // the reader went on
  part.append(families ? docsPart(families, { foreign, names })
    : make("p", { class: "how" }, folder
      ? `This report holds no docs of the language, or its folder ${folder} is not beside this page.`
      : "This report holds no docs of the language: mlbench report --docs 20 would show some."));
};
