"""The packed scorer: lm-eval's scores of the same requests, many times faster.

Importing this package registers the lm-eval model `mlbench`. Read in this order: lm.py (what
lm-eval calls), tokenise.py, trie.py, pack.py, mask.py, tail.py; rows.py, probe.py and verify.py are
the safety net for architectures that cannot be packed.
"""

from mlbench.engine.lm import PackedLM

__all__ = ["PackedLM"]
