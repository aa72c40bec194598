"""What else is known of replies? In the right language, empty, a copy of what was asked.

A reply may share half of its n-grams with a reference of another language, so every score of
replies is read beside these. The identifier does not know every sentence of a language either: what
it says of the references is the most that a model can reach.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from mlbench.measures.measure import Measure, add_measure
from mlbench.measures.replies import every, stored
from mlbench.measures.samples import Reply, ReplySample
from mlbench.measures.scales import Margins, difference_in

Texts = Callable[[Reply], str]
Counts = Callable[[Sequence[Reply]], Iterator[tuple[float]]]


def _share_of(texts: Texts, wanted: str) -> Counts:
    """Count the replies of which the identifier says this, by its name in Fidelity.

    Of empty ones nothing is said.
    """

    def counts(replies: Sequence[Reply]) -> Iterator[tuple[float]]:
        # Imported late: most scores are of choices, and need no identifier.
        from mlbench.identifier import Fidelity, fidelity_all

        asked = [
            (i, texts(reply), reply.language)
            for i, reply in enumerate(replies)
            if reply.language is not None and texts(reply).strip()
        ]
        told = fidelity_all([text for _, text, _ in asked], [language for *_, language in asked])
        found = {i: answer for (i, *_), answer in zip(asked, told, strict=True)}
        return ((float(found.get(i) == Fidelity[wanted]),) for i in range(len(replies)))

    return counts


def _is_copy(reply: Reply) -> tuple[float]:
    written, source = (" ".join(text.casefold().split()) for text in (reply.text, reply.source))
    return (float(written == source),)


FIDELITY = add_measure(
    Measure(
        name="fidelity",
        title="in the right language",
        unit="%",
        sample=ReplySample,
        scales=(difference_in("fidelity", "points", margins=Margins(0.02, 0.05), factor=100.0),),
        statistics=stored("fidelity"),
        count=_share_of(lambda reply: reply.text, "YES"),
        high=1.0,
        factor=100.0,
        doc_reach=1.0,
    )
)
FIDELITY_OF_REFERENCES = add_measure(
    replace(
        FIDELITY,
        name="fidelity_of_references",
        title="references in the right language",
        statistics=stored("fidelity_of_references"),
        count=_share_of(lambda reply: reply.reference, "YES"),
    )
)


def _fault(name: str, title: str) -> Measure:
    """Make the share of replies with a fault: the fewer the better."""
    scale = difference_in(
        name, "points", margins=Margins(0.02, 0.05), factor=100.0, higher_is_better=False
    )
    return replace(
        FIDELITY,
        name=name,
        title=title,
        scales=(scale,),
        statistics=stored(name),
        higher_is_better=False,
    )


OTHER_LANGUAGE = add_measure(
    replace(
        _fault("other_language", "in another language"),
        count=_share_of(lambda reply: reply.text, "NO"),
    )
)
UNDECIDED = add_measure(
    replace(
        _fault("undecided", "language not told"),
        count=_share_of(lambda reply: reply.text, "CANNOT_TELL"),
    )
)
COPIED = add_measure(replace(_fault("copied", "copied"), count=every(_is_copy)))
EMPTY = add_measure(
    replace(
        _fault("empty", "empty"),
        count=every(lambda reply: (float(not reply.text.strip()),)),
    )
)
