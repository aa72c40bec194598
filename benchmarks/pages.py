"""How does a benchmark put its table into a page, with the machine and the command beside it?"""

import os
import platform
import re
import shlex
import sys
from pathlib import Path


def machine_note(how: str) -> str:
    """Return as text on what, how and with which command the figures above were made."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    machine = processor_name()
    command = shlex.join(["python", *sys.argv])
    return f"\n{machine}, {how}, load average {load}. `{command}`\n"


def processor_name() -> str:
    """Name the processor, with its family and model where Linux tells: they decide what is fast."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    pairs = (line.partition(":") for line in lines)
    facts = {key.strip(): value.strip() for key, _, value in pairs}
    if "model name" not in facts:
        return platform.machine()
    return "{model name}, family {cpu family}, model {model}".format_map(facts)


def milliseconds(seconds: float) -> str:
    """Format with three digits, or all before the point."""
    value = seconds * 1e3
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def write_section(path: Path, name: str, text: str) -> None:
    """Replace the text between the markers `<!-- name -->` and `<!-- /name -->`."""
    page = path.read_text(encoding="utf-8")
    pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    page, n_found = pattern.subn(lambda match: match[1] + text + match[2], page)
    if not n_found:
        raise SystemExit(f"{path} has no place for the table: add <!-- {name} --> <!-- /{name} -->")
    path.write_text(page, encoding="utf-8", newline="\n")
