"""The tokens that `add-tokens` is to add, parsed from its options and file: each once, with its flags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit.errors import UsageError, did_you_mean
from tokkit.sources import streams
from tokkit.sources.encodings import encoding_named
from tokkit.sources.paths import expand
from tokkit.tokenizer.editing.options import AddTokensOptions
from tokkit.tokenizer.folder.load import ROLES

_FLAGS = ("single_word", "lstrip", "rstrip", "normalized")


@dataclass(frozen=True)
class TokenRequest:
    """One requested token.

    role         ``pad``, ...; None for a token without one
    native       whether it is added to the vocabulary itself, not as an added token
    description  text whose embeddings initialize it
    """

    token: str
    special: bool = False
    role: str | None = None
    native: bool = False
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = False
    description: str | None = None

    def added_token(self, id_: int) -> dict[str, Any]:
        """The token as an entry of ``added_tokens`` in `tokenizer.json`."""
        flags = {name: getattr(self, name) for name in _FLAGS}
        return {"id": id_, "content": self.token, **flags, "special": self.special}


def parse_requests(options: AddTokensOptions) -> tuple[TokenRequest, ...]:
    """Every requested token, special ones first, without duplicates.

    Raises `UsageError` where there is none, or one is empty, not Unicode, or requested as two kinds, and for
    the description of a token that is not requested; `InputError` for a file that cannot be read.
    """
    roles = dict(_parse_roles(options.role))
    # dict.fromkeys removes duplicates and keeps the order, which decides the ids
    special = tuple(dict.fromkeys((*options.special, *roles.values())))
    plain = tuple(dict.fromkeys((*options.token, *_read_tokens(options.tokens_file, options.encoding))))
    for flag, tokens in (("--special", special), ("--token", plain)):
        for token in tokens:
            _check_text(flag, token)
    if not special and not plain and options.pad_to_multiple_of is None:
        raise UsageError("name at least one token", hint="name tokens (--token, --special, --tokens-file)")
    if both := sorted(set(special) & set(plain)):
        raise UsageError(f'"{both[0]}" is requested as a special and as a plain token; choose one')
    if options.native and not special:
        _check_no_flags(options)
    role_of = {token: role for role, token in roles.items()}
    description_of = _parse_descriptions(options, (*special, *plain))
    return tuple(
        TokenRequest(
            token,
            special=token in special,
            role=role_of.get(token),
            native=options.native and token not in special,
            single_word=options.single_word,
            lstrip=options.lstrip,
            rstrip=options.rstrip,
            # as in `tokenizers`: special tokens match in the text as written, plain ones after the normalizer
            normalized=token not in special if options.normalized is None else options.normalized,
            description=description_of.get(token),
        )
        for token in (*special, *plain)
    )


def _parse_descriptions(options: AddTokensOptions, tokens: Sequence[str]) -> dict[str, str]:
    """Token -> the text that describes it."""
    if (options.init == "description") != bool(options.description):
        raise UsageError(
            "--init description and --description belong together",
            hint="name both, as in 'COVID=an infectious disease of the lungs'",
        )
    descriptions = {}
    for entry in options.description:
        matches = [token for token in tokens if entry.startswith(f"{token}=")]
        if not matches:
            raise UsageError(f'--description: "{entry}" is not TOKEN=TEXT with one of the requested tokens')
        # a token may contain "=" itself: the longest match is the one meant
        token = max(matches, key=len)
        descriptions[token] = entry[len(token) + 1 :]
    return descriptions


def _parse_roles(entries: Sequence[str]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        role, equals, token = entry.partition("=")
        if not equals or role not in ROLES:
            raise UsageError(
                f'--role: "{entry}" is not ROLE=TOKEN{did_you_mean(role, ROLES)}; roles: {", ".join(ROLES)}'
            )
        yield role, token


def _read_tokens(name: str | None, encoding: str | None) -> Iterator[str]:
    for path in () if name is None else expand([name]):
        for lines in streams.lines(Path(path), encoding=encoding_named(encoding)):
            yield from (token for line in lines if (token := line.rstrip("\r\n")))


def _check_text(flag: str, token: str) -> None:
    if not token:
        raise UsageError(f"{flag}: a token must not be empty")
    try:
        token.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(f"{flag}: {token!r} is not UTF-8") from error


def _check_no_flags(options: AddTokensOptions) -> None:
    """Raise `UsageError` for a flag of added tokens where all tokens are native."""
    for name in _FLAGS:
        if getattr(options, name):
            raise UsageError(
                f"--{name.replace('_', '-')}: is about added tokens; --native adds words to the vocabulary"
            )
