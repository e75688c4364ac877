"""Text as searches compare it: the same letters whatever their case, width and composition, on every database."""

import unicodedata

from service.text.visible import INVISIBLE


def fold(text: str) -> str:
    """`text` without the differences that a search overlooks (Unicode 3.13, NFKC_Casefold): normalised, case folded.

    What shows nothing is left out: nobody can type what they do not see, and a word may be hidden behind it.
    A search that finds too much is better than one that finds too little, so the Turkish letters I are one as well.
    """
    if text.isascii() and text.isprintable():  # nothing is hidden, and no letter has another form but its small one
        return text.lower()
    shown = INVISIBLE.sub("", text)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold())
    return folded.replace("i\u0307", "i").replace("\u0131", "i")
