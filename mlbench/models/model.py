"""What is a model before it is loaded? What it is called, and what its backend loads."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlbench.model_arguments import parse_arguments, score_arguments
from mlbench.redaction import redact


@dataclass(frozen=True, slots=True)
class Model:
    """A model by name: `backend` of lm-eval, and what that backend loads.

    `path` is a folder or a hub id for the backend hf, "" for others; `arguments` (`name=value,...`)
    go to the backend as they are, keys and passwords too, which `name` hides. `options` are those
    among hf's arguments that mlbench has options for, and count instead of them. `facts` are the
    preset's: organisation, licence, parameters, note.
    """

    name: str
    backend: str
    path: str = ""
    arguments: str = ""
    revision: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Return the arguments that can change a score, in one form, without keys and passwords."""
        return redact(
            join_arguments(score_arguments(parse_arguments(self.arguments))), self.arguments
        )

    @property
    def slug(self) -> str:
        """Return the name as a folder name; distinct names give distinct slugs."""
        safe = re.sub(r"[^\w.-]", "-", self.name.replace("/", "--"))[:80].strip(".") or "model"
        if safe.replace("--", "/") == self.name:
            return safe
        return f"{safe}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"


def join_arguments(arguments: Mapping[str, str]) -> str:
    """Return arguments as one text, as a user types them."""
    return ",".join(f"{name}={value}" for name, value in arguments.items())
