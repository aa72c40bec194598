"""What does another program say? langdetect, for the languages that it has a profile of.

It draws at random as it works and is given a seed, so the same text has the same answer. Some
hundred times slower than the model, it is asked only where somebody wants it.
"""

from mlbench.data.languages import read_languages
from mlbench.identifier.letters import LONGEST

CODE_KEY = "langdetect"
SEED = 0


def second_opinion(text: str) -> str | None:
    """Return the tag that langdetect finds the most probable; None where it cannot tell.

    Two languages that it has one code for, and those that it does not cover, are None as well.
    """
    from langdetect import DetectorFactory, LangDetectException, detect

    DetectorFactory.seed = SEED
    try:
        code = detect(text[:LONGEST].encode("utf-8", "ignore").decode("utf-8"))
    except LangDetectException:  # no letters that it knows
        return None
    tags = [tag for tag, x in read_languages().items() if x.codes.get(CODE_KEY) == code]
    return tags[0] if len(tags) == 1 else None
