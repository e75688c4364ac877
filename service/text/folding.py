"""Text as searches compare it: the same letters whatever their case, width and composition, on every database."""

import unicodedata


def fold(text: str) -> str:
    """`text` without the differences that a search overlooks (Unicode 3.13: NFKC, case folded, NFKC again).

    A search that finds too much is better than one that finds too little, so the Turkish letters I are one as well.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded.replace("i\u0307", "i").replace("\u0131", "i")
