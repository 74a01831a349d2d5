"""How texts are spelled: one letter may be written with one character or with several, and looks the same."""

from collections.abc import Iterable


def composed(text: str) -> str:
    """A text in Unicode's composed form (NFC), in which `é` is one character and not `e` with an accent."""
    if text.isascii():
        return text
    # Most functions never meet a text that needs it.
    from unicodedata import normalize

    return normalize("NFC", text)


def spellings(text: str) -> tuple[str, ...]:
    """A text as it is, composed (NFC) and decomposed (NFD), each once: one for ASCII, two for `é`.

    Names were stored as they were sent before they were composed. These are the spellings under which they are found.
    """
    if text.isascii():
        return (text,)
    from unicodedata import normalize

    return tuple(dict.fromkeys((text, normalize("NFC", text), normalize("NFD", text))))


def look_alikes(texts: Iterable[str]) -> list[str]:
    """The texts that are composed as one before them is."""
    seen: set[str] = set()
    found = []
    for text in texts:
        if (form := composed(text)) in seen:
            found.append(text)
        seen.add(form)
    return found
