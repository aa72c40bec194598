"""From a run to a verdict about languages: evidence, claims, and the sentences about them."""

from mlbench.judge.claims import Claim, ClaimsFile, ClaimsFileError, read_claims
from mlbench.judge.evidence import Evidence
from mlbench.judge.verdict import judge, verdict_json

__all__ = [
    "Claim",
    "ClaimsFile",
    "ClaimsFileError",
    "Evidence",
    "judge",
    "read_claims",
    "verdict_json",
]
