"""How well is English, or another pivot, translated into this language? On SIB-200.

What is scored is text of this language, so a model has to write it.
"""

from mlbench.families._sib200_mt import make_family

FAMILY = make_family("from")
