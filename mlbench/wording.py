"""How is a number of things written? For the terminal, the page and the figures."""


def plural(n: int, word: str, words: str | None = None) -> str:
    """Count things in words.

    >>> plural(1, "family", "families"), plural(2, "language")
    ('1 family', '2 languages')
    """
    return f"{n:,} {word if n == 1 else words or word + 's'}"
