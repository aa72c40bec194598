"""What is claimed? Statements about models as data, read and checked before any result is seen.

A claim fixes models, families, languages, scale and margin; its hash changes with any of them. The
form is described at the head of mlbench/judge/claims.yaml. claim_checks.py judges them.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from mlbench.errors import MlbenchError, unknown, yaml_hint
from mlbench.measures import Margins, all_measures, all_scales
from mlbench.yaml_text import parse_yaml

CLAIMS_PATH = Path(__file__).with_name("claims.yaml")
# Enough of a sha256 to tell claims apart in print.
HASH_DIGITS = 12

Kind = Literal[
    "moat", "coverage", "resource_gap", "listed_lead", "lead", "own_lead", "fewshot", "cost"
]
Target = Literal["pooled", "fixed", "sampled"]
Expected = Literal["supported", "not supported", "smaller or none"]
SMALLER: Expected = "smaller or none"
COMPARED_A, COMPARED_B = "--a", "--b"


class ClaimsFileError(MlbenchError):
    """A claims file that does not follow the form of claims.yaml."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement. `a` and `b` are models, or --a and --b; None for families and languages: all.

    `wanted` and `retained` are for coverage: how many languages (None: all of the run), and which
    share of the adjusted English score each has to keep. `listed` is for a lead where it is
    claimed: the languages that the maker of A names, if claimed_languages.yaml does not have them.
    """

    id: str
    kind: Kind
    sentence: str
    a: tuple[str, ...]
    b: tuple[str, ...]
    scale: str
    margin: float
    families: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    target: Target = "pooled"
    wanted: int | None = None
    retained: float = 0.5
    listed: tuple[str, ...] | None = None

    def fingerprint(self) -> str:
        """Return the hash that is printed beside the verdict."""
        known = asdict(self)
        if self.listed is None:  # a claim that had a hash before there was this key keeps it
            del known["listed"]
        text = json.dumps(known, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:HASH_DIGITS]

    def about(self, a: str, b: str) -> "Claim":
        """Put the compared models in the place of --a and --b."""
        names = {COMPARED_A: a, COMPARED_B: b}
        return replace(
            self,
            a=tuple(names.get(model, model) for model in self.a),
            b=tuple(names.get(model, model) for model in self.b),
        )


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was said of a claim before anybody saw a result: on which day, and what was expected.

    The claim's `a` and `b` are models any one of which is meant. `than` is the id of the prediction
    whose effect this one's should be smaller than.
    """

    claim: Claim
    date: str
    expect: Expected
    than: str | None = None

    def fingerprint(self) -> str:
        """Return the hash that the file has to state, of the claim, the day and what to expect."""
        text = "\n".join((self.claim.fingerprint(), self.date, self.expect, self.than or ""))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:HASH_DIGITS]


@dataclass(frozen=True, slots=True)
class ClaimsFile:
    """Margins by scale, claims and predictions in the order of the file, its name for a reader."""

    margins: Mapping[str, Margins]
    claims: tuple[Claim, ...]
    name: str = ""
    predictions: tuple[Prediction, ...] = ()


def read_claims(path: Path = CLAIMS_PATH) -> ClaimsFile:
    """Read and check a claims file; raises ClaimsFileError."""
    try:
        raw = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ClaimsFileError(f"cannot read the claims of {str(path)!r}: {error}") from error
    name = path.name if path != CLAIMS_PATH else f"{path.name} of mlbench"
    return replace(claims_from(raw, str(path)), name=name)


def claims_from(raw: Any, where: str) -> ClaimsFile:
    """Check claims that were already read."""
    if not isinstance(raw, dict) or not set(raw) <= {"margins", "claims", "predictions"}:
        raise ClaimsFileError(f"{where}: need a mapping with the keys margins and claims")
    claims = tuple(_claim(entry, where) for entry in raw.get("claims") or ())
    predictions = _predictions(raw.get("predictions") or (), where)
    ids = [claim.id for claim in (*claims, *(prediction.claim for prediction in predictions))]
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise ClaimsFileError(f"{where}: two claims have the id {twice!r}")
    margins = _margins(raw.get("margins") or {}, where)
    return ClaimsFile(margins, claims, predictions=predictions)


def _predictions(entries: Any, where: str) -> tuple[Prediction, ...]:
    found = tuple(_prediction(entry, where) for entry in entries)
    ids = [prediction.claim.id for prediction in found]
    for prediction in found:
        if prediction.than is not None and prediction.than not in ids:
            place = f"{where}, prediction {prediction.claim.id!r}"
            message = unknown("prediction", prediction.than, ids, "the ids of this file")
            raise ClaimsFileError(f"{place}: than {message}")
    return found


def _prediction(entry: Any, where: str) -> Prediction:
    """Check a prediction, whose hash says that nobody changed it since."""
    if not isinstance(entry, dict) or not {"id", "date", "hash", "expect"} <= set(entry):
        raise ClaimsFileError(
            f"{where}: a prediction is a claim with date, hash and expect, not {entry!r}"
        )
    own = {"date", "hash", "expect", "than"}
    claim = _claim({key: value for key, value in entry.items() if key not in own}, where)
    place = f"{where}, prediction {claim.id!r}"
    if entry["expect"] not in get_args(Expected):
        allowed = ", ".join(get_args(Expected))
        raise ClaimsFileError(f"{place}: expect {entry['expect']!r}; allowed: {allowed}")
    if (entry["expect"] == SMALLER) != ("than" in entry):
        raise ClaimsFileError(f"{place}: {SMALLER!r} needs `than`, and nothing else has it")
    prediction = Prediction(claim, str(entry["date"]), entry["expect"], entry.get("than"))
    if (own_hash := prediction.fingerprint()) != entry["hash"]:
        raise ClaimsFileError(
            f"{place}: its hash is {own_hash}, and {entry['hash']} was registered on "
            f"{prediction.date}. A changed prediction is another one: give it an id, the date of "
            f"today and the hash {own_hash}"
        )
    return prediction


def _margins(raw: Any, where: str) -> dict[str, Margins]:
    margins = {name: scale.margins for name, scale in all_scales().items()}
    if not isinstance(raw, dict) or not set(raw) <= set(margins):
        raise ClaimsFileError(f"{where}: margins {raw!r}; allowed scales: {', '.join(margins)}")
    for scale, pair in raw.items():
        if not isinstance(pair, dict) or set(pair) != {"pooled", "language"}:
            raise ClaimsFileError(f"{where}: margins of {scale!r} need pooled and language")
        numbers = {name: _number(value, f"{where}: {scale}") for name, value in pair.items()}
        margins[scale] = Margins(**numbers)
    return margins


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ClaimsFileError(f"{where}: {value!r} is not a number of at least 0")
    return float(value)


def _names(value: Any, where: str) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        hint = yaml_hint(value)
        raise ClaimsFileError(
            f"{where}: {value!r} is not a name or a list of names" + (hint and f". {hint}")
        )
    return tuple(names)


def _claim(entry: Any, where: str) -> Claim:
    """Check one claim and turn it into its frozen form."""
    known = {field.name for field in fields(Claim)}
    if not isinstance(entry, dict) or "id" not in entry:
        raise ClaimsFileError(f"{where}: a claim is a mapping with an id, not {entry!r}")
    where = f"{where}, claim {entry['id']!r}"
    missing = {"id", "kind", "sentence", "a", "scale", "margin"} - set(entry)
    if missing or not set(entry) <= known:
        wrong = sorted(missing or set(entry) - known)
        verb = "lacks" if missing else "has the unknown key"
        raise ClaimsFileError(
            f"{where}: {verb} {', '.join(wrong)}; allowed: {', '.join(sorted(known))}"
        )
    kinds, targets = get_args(Kind), get_args(Target)
    for key, allowed in (("kind", kinds), ("scale", tuple(all_scales())), ("target", targets)):
        value = entry.get(key, "pooled")
        if value not in allowed:
            choices = ", ".join(allowed)
            raise ClaimsFileError(f"{where}: {key} {value!r}; allowed: {choices}")
    checked = dict(entry)
    checked["margin"] = _number(entry["margin"], f"{where}: margin")
    checked["a"] = _names(entry["a"], f"{where}: a")
    checked["b"] = () if entry.get("b") is None else _names(entry["b"], f"{where}: b")
    for key in ("families", "languages"):
        value = entry.get(key, "all")
        checked[key] = None if value == "all" else _names(value, f"{where}: {key}")
    if entry.get("listed") is not None:
        checked["listed"] = _names(entry["listed"], f"{where}: listed")
    claim = Claim(**checked)
    # Only on the first scale of a measure are moats kept by language, not only on average.
    primary = list(dict.fromkeys(measure.scales[0].name for measure in all_measures()))
    if claim.scale not in primary and (claim.kind != "moat" or claim.target != "pooled"):
        raise ClaimsFileError(
            f"{where}: scale {claim.scale!r} is only for moats with target 'pooled'; allowed: "
            f"{', '.join(primary)}"
        )
    return claim
