"""What makes two names the same for people: classes and recordists are typed by many hands."""

import unicodedata

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


def key(name: str) -> str:
    """A name without case, blanks, invisible characters and Unicode form."""
    bare = "".join(c for c in name if not c.isspace() and c not in _INVISIBLE)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", bare).casefold())
