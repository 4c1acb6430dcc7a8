"""In which of 139 languages a text is written: `py3langid` (the extra ``languages``) tells, without network.

It is chosen for what it is: 5 MB under the BSD licence, its model plain arrays and no pickle, the successor
of the widely used `langid`. Of short texts it errs, so that an uncertain guess is reported as such.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from tokkit.errors import UsageError
from tokkit.inspection.statistics.scripts import NO_SCRIPT, main_script

UNSURE = "unsure"  # what a text is counted as of which no language has an even chance
_EVEN = 0.5


@functools.cache
def identifier() -> Callable[[str], str]:
    """What gives the language of a text: its code of ISO 639, `UNSURE`, or `NO_SCRIPT` without letters.

    Raises `UsageError` where the package is not installed.

    >>> [identifier()(text) for text in ("Ich habe keine Lust auf Kino", "오늘 학교에 갔다", "ok", "12")]
    ['de', 'ko', 'unsure', 'none']
    """
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise UsageError(
            "--languages: needs the package py3langid, which is not installed",
            hint="pip install py3langid",
        ) from error
    # Without `norm_probs`, scores are log probabilities, which have no even chance to compare with.
    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def language(text: str) -> str:
        # The model names some language for every text, also for one of digits.
        if main_script(text) is None:
            return NO_SCRIPT
        code, probability = model.classify(text)
        return str(code) if probability >= _EVEN else UNSURE

    return language
