// Finding a language, a country or a language family by any name or code, also one that is not here.
"use strict";
const KINDS = { lang: "language", group: "language family", country: "country", other: "" };
const MOST_HITS = 8;

// How well a text is met: 0 a whole name or code, 1 the start of one, 2 the start of a word, 3 inside.
const nearness = (wanted, names) => {
  const found = names.map((name) => {
    if (name === wanted) return 0;
    if (name.startsWith(wanted)) return wanted.length > 1 ? 1 : 9;
    if (wanted.length < 3 && /^[\x00-\x7f]*$/.test(wanted)) return 9; // two letters of Latin are in many names
    if (name.includes(` ${wanted}`)) return 2;
    return name.includes(wanted) ? 3 : 9;
  });
  return Math.min(...found);
};
const seekHits = (text, things) => {
  const wanted = fold(text.trim()).replaceAll("_", "-");
  if (!wanted) return [];
  const kinds = Object.keys(KINDS);
  const rated = things.map((thing) => [Math.min(
    nearness(wanted, thing.names),
    thing.codes.includes(wanted) ? 0 : 9), thing]).filter(([near]) => near < 9);
  const closest = Math.min(...rated.map(([near]) => near));
  const isHere = rated.some(([near, { kind }]) => near === closest && kind !== "other");
  return rated
    // One that is met whole hides what only holds its letters, and one that is here what is not.
    .filter(([near, { kind }]) => (closest === 0 ? near < 2 : true) && (kind !== "other" || (near === closest && !isHere)))
    .sort(([a, x], [b, y]) => a - b || kinds.indexOf(x.kind) - kinds.indexOf(y.kind) || x.name.localeCompare(y.name, "en"))
    .slice(0, MOST_HITS).map(([, thing]) => thing);
};

// What can be found: everything that the run has, every country, and every language that the CLDR names.
const thingsOf = (data, languages) => {
  const named = (kind, key, name, more = {}) => ({ kind, key, name, names: [fold(name)], codes: [], ...more });
  const families = [...new Set(languages.map(({ family }) => family))];
  return [
    ...languages.map(({ tag, name, endonym, caption }) => named("lang", tag, name, {
      caption, names: [name, endonym, ...data.aliases[tag]].map(fold), codes: [tag, ...data.words[tag]].map(fold),
    })),
    ...families.map((name) => named("group", name, name)),
    ...data.countries.map(([code, name, why]) => named("country", code, name, { codes: [fold(code)], why })),
    ...data.others.map(([name, codes, tag]) => named("other", tag, name, { codes: codes.split(" ") })),
  ];
};

const startSeek = ({ languages, run, go }) => {
  const field = $("seek");
  const ready = field ? inflate($("seek-data").textContent).then((data) => thingsOf(data, languages)) : Promise.resolve([]);
  if (!field) return ready;
  const list = $("seek-hits");
  const note = $("seek-note");
  let hits = [];
  const close = () => { list.replaceChildren(); note.textContent = ""; hits = []; };
  const choose = (thing) => { close(); field.value = ""; go(thing.kind, thing.key); };
  const absent = ({ name, key }) => `${name} is not among the ${languages.length} languages of this run.${key ? ` mlbench can test it: mlbench run --languages ${key}` : ""}`;
  const look = async () => {
    const things = await ready;
    const found = seekHits(field.value, things);
    hits = found.filter(({ kind }) => kind !== "other");
    list.replaceChildren(...hits.map((thing) => {
      const link = make("a", { href: `#${thing.kind}=${encodeURIComponent(thing.key)}` }, make("bdi", {}, thing.name),
        make("small", {}, ` ${thing.caption || KINDS[thing.kind]}`));
      link.addEventListener("click", (event) => { event.preventDefault(); choose(thing); });
      return make("li", {}, link);
    }));
    const missing = found.filter(({ kind }) => kind === "other").slice(0, 3);
    note.textContent = !field.value.trim() ? "" : missing.length ? missing.map(absent).join(" ")
      : hits.length ? "" : `Nothing here is called “${field.value.trim()}”.`;
  };
  field.addEventListener("input", look);
  field.addEventListener("keydown", (event) => { if (event.key === "Escape") { close(); field.value = ""; event.stopPropagation(); } });
  document.addEventListener("click", (event) => { if (!$("seek-form").contains(event.target)) close(); });
  $("seek-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    await look();
    if (hits.length) choose(hits[0]);
  });
  return ready;
};
