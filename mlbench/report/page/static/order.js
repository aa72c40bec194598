// What a shown number is worth, and the order of two of them: what has no number comes last.
"use strict";
const numberOf = (node) => {
  const found = /^\(?([+−]?[\d.]+)\)?$/.exec((node ? node.textContent : "").trim());
  return found ? Number(found[1].replace("−", "-")) : NaN;
};

const compare = (a, b, sign) => {
  if (typeof a === "string") return sign * a.localeCompare(b, "en");
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return sign * (a - b);
};
