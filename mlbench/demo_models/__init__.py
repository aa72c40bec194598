"""Two tiny language models that serve as a known answer, and the script that makes them.

They check the suite; they are no language models of use. README.md in this folder says what they
are, `corpus` what they have read, `train` how.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
NAMES = ("demo-polyglot", "demo-anglo")
