// The chooser: languages with weights, or those of a country or a family, and the ranking that follows.
// `changed(text)` keeps what was chosen in the address: a key of the page, or id:5,jv:2.
"use strict";
const weightsOf = (text) => new Map(text.split(",").map((part) => part.split(":")).map(([tag, weight]) => [tag, Number(weight)])
  .filter(([tag, weight]) => tag && weight > 0 && weight < Infinity));

const startChooser = (choice, { languages, changed }) => {
  const section = $("choose");
  if (!section || !choice) return () => {};
  const first = { words: $("choose-words").textContent, rows: [...$("choose-table").tBodies[0].rows] };
  const nameOf = (tag) => (languages.find((entry) => entry.tag === tag) || { name: tag }).name;
  let weights = new Map();

  const optionsOf = (start) => [...choice.groups.values()].filter(({ key }) => key.startsWith(start))
    .sort((a, b) => a.name.localeCompare(b.name, "en"))
    .map(({ key, name }) => make("option", { value: key }, name));
  $("choose-for").append(
    make("optgroup", { label: "Language family" }, ...optionsOf("group=")),
    make("optgroup", { label: "Country" }, ...optionsOf("country=")),
    make("option", { value: "own" }, "my own weights"));
  $("choose-names").append(...languages.map(({ name }) => make("option", { value: name })));

  const say = (words, rows) => {
    $("choose-words").textContent = words;
    $("choose-table").tBodies[0].replaceChildren(...rows);
  };
  const showMade = (key) => {
    if (key === "spoken") return say(first.words, first.rows);
    const group = choice.made(key);
    return say(`${group.words}${group.untested ? ` Not tested: ${group.untested} % of people.` : ""}`, group.rows.map(choiceRow));
  };
  const showOwn = () => {
    const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
    const tested = [...weights].filter(([tag]) => choice.tags.includes(tag));
    const missing = [...weights].filter(([tag]) => !choice.tags.includes(tag));
    const known = tested.reduce((sum, [, weight]) => sum + weight, 0);
    const gaps = missing.map(([tag, weight]) => `${nameOf(tag)} (${Math.round((100 * weight) / total)} %)`).join(", ");
    const note = gaps ? ` Not tested with all models: ${gaps}.` : "";
    if (!total) return say("Add a language, and give it a weight.", []);
    if (known < CHOICE.half * total) return say(`Too little of this was tested to choose by.${note}`, []);
    const group = choice.rank(Object.fromEntries(tested.map(([tag, weight]) => [tag, weight / known])));
    const [top, ...others] = group.rows;
    const level = `${points(top.ends[0])} [${points(top.ends[1])}, ${points(top.ends[2])}]`;
    const near = others.filter(({ places }) => places[0] === 1).map(({ name }) => name).join(", ");
    const words = near ? `${top.name} has the highest level, ${level}, and cannot be separated from ${near}.`
      : `${top.name} is first with ${level}, ahead of every other model.`;
    return say(`By these weights ${words}${note}`, group.rows.map(choiceRow));
  };
  const keep = () => changed([...weights].map(([tag, weight]) => `${tag}:${weight}`).join(","));
  const drawChips = () => {
    $("choose-chips").replaceChildren(...[...weights].map(([tag, weight]) => {
      const field = make("input", { type: "number", min: "0", step: "any", value: weight });
      field.addEventListener("input", () => {
        const given = Number(field.value);
        field.setAttribute("aria-invalid", String(!(given > 0)));
        if (!(given > 0)) return; // until it is a weight again
        weights.set(tag, given);
        showOwn();
        keep();
      });
      const remove = () => { weights.delete(tag); drawChips(); showOwn(); keep(); $("choose-add").focus(); };
      return make("li", {}, make("label", {}, make("bdi", {}, nameOf(tag)), " ", field),
        make("button", { type: "button", "aria-label": `leave out ${nameOf(tag)}`, on: remove }, "×"));
    }));
  };
  const show = (text) => {
    const key = choice.groups.has(text) ? text : text ? "own" : "spoken";
    $("choose-for").value = key;
    if (key === "own") weights = weightsOf(text);
    else weights = new Map(Object.entries(choice.groups.get(key).shares).map(([tag, share]) => [tag, Number((100 * share).toFixed(1))]));
    drawChips();
    if (key === "own") showOwn();
    else showMade(key);
  };
  $("choose-for").addEventListener("input", () => {
    const key = $("choose-for").value;
    if (key === "own") { keep(); showOwn(); return; }
    changed(key === "spoken" ? "" : key);
    show(key);
  });
  $("choose-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = fold($("choose-add").value.trim());
    const found = languages.find((entry) => entry.tag === wanted || fold(entry.name) === wanted);
    $("choose-add").setAttribute("aria-invalid", String(!found));
    if (!found) return;
    if ($("choose-for").value !== "own") weights = new Map(); // what the reader types is their own
    $("choose-for").value = "own";
    weights.set(found.tag, weights.get(found.tag) || 1);
    $("choose-add").value = "";
    drawChips();
    showOwn();
    keep();
  });
  show("");
  return show;
};
