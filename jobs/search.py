"""What is stored of a prompt for the full text search, and what is asked for, from what a person typed.

Both are made of the same tokens: compatibility forms and cases folded, Latin accents dropped, each Chinese, Japanese or
Korean character a token of its own, so that these prompts are found by any part. Whatever is no letter and no number
separates; so nothing typed can be an operator of the engine.
"""

import re
import unicodedata

ACCENTS = re.compile("[\u0300-\u036f]")
# Kana, bopomofo, Han with its extensions, and hangul: written without spaces, or with endings that stick to the word
SPACELESS = (
    "\u3005-\u3007\u3021-\u3029\u3031-\u303c\u3041-\u31ff\u3400-\u9fff\uac00-\ud7a3"
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
TOKEN = re.compile(f"[{SPACELESS}]|[^{SPACELESS}]+")
MAX_TOKEN = 100  # letters of a word that count; PostgreSQL takes some 2,000 bytes
MAX_PHRASES = 40  # of one search: a pasted prompt is found by its beginning
MIN_PREFIX = 2  # letters from which on a word also finds what begins with it


def words(text: str) -> str:
    """A prompt as it is stored for the search: its tokens, each between spaces."""
    return f" {' '.join(token for phrase in _phrases(text) for token in phrase)} "


def needles(typed: str) -> list[str]:
    """What the stored words contain exactly when they match. Empty when nothing typed is a word."""
    return [f" {' '.join(phrase)}{'' if _is_prefix(phrase) else ' '}" for phrase in _asked(typed)]


def fts5_query(typed: str) -> str:
    """For SQLite: each word must occur, or one that begins with it."""
    return " ".join(f'"{" ".join(phrase)}"{"*" if _is_prefix(phrase) else ""}' for phrase in _asked(typed))


def tsquery(typed: str) -> str:
    """The same for PostgreSQL's to_tsquery()."""
    return " & ".join(
        " <-> ".join(f"'{token}'" for token in phrase) + (":*" if _is_prefix(phrase) else "")
        for phrase in _asked(typed)
    )


def _asked(typed: str) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(_phrases(typed)))[:MAX_PHRASES]


def _phrases(text: str) -> list[tuple[str, ...]]:
    """What stands between spaces and punctuation, each as the tokens that follow one another in it."""
    plain = "".join(letter if unicodedata.category(letter)[0] in "LNM" else " " for letter in _fold(text))
    return [tuple(token[:MAX_TOKEN] for token in TOKEN.findall(run)) for run in plain.split()]


def _fold(text: str) -> str:
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFKC", ACCENTS.sub("", parts))


def _is_prefix(phrase: tuple[str, ...]) -> bool:
    return len(phrase[-1]) >= MIN_PREFIX
