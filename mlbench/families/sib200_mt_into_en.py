"""How well is this language translated into English, or into another pivot? On SIB-200.

What is scored is text of the pivot: a model has to understand this language, not to write it.
"""

from mlbench.families._sib200_mt import make_family

FAMILY = make_family("into")
