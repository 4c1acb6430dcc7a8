"""Links from a page to source files work in the repository; the site holds no such file: they become text."""

import re

_OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+(?:(?:tokkit|tests|corpora)/|CONTRIBUTING)[^)]*\)")


def on_page_markdown(markdown: str, **_: object) -> str:
    """The page with such links as plain text."""
    return _OUTSIDE.sub(r"\1", markdown)
