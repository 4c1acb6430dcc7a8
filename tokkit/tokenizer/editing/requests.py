"""The tokens a person asks for, from options and file, each once and each with its flags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit.errors import UsageError, did_you_mean
from tokkit.options import Options, option
from tokkit.sources import streams
from tokkit.sources.paths import expand
from tokkit.tokenizer.editing.initial import INITS
from tokkit.tokenizer.folder.load import ROLES


@dataclass(frozen=True)
class AddTokensOptions(Options):
    """Which tokens are added, how they match, and what their embeddings start from."""

    special: tuple[str, ...] = option((), "special token, never cut and left out when decoding", metavar="T")
    token: tuple[str, ...] = option((), "token of your domain", metavar="T")
    tokens_file: str | None = option(None, "file of such tokens, one a line", metavar="FILE")
    role: tuple[str, ...] = option(
        (), "special token for a role that has none: pad=[PAD]", metavar="ROLE=TOKEN"
    )
    native: bool = option(
        False, "put words into the vocabulary itself, with the merges they need, not before the model"
    )
    single_word: bool = option(False, "match a token as a whole word only")
    lstrip: bool = option(False, "let a token take the space before it")
    rstrip: bool = option(False, "let a token take the space after it")
    normalized: bool | None = option(
        None, "match a token in the normalized text", default_text="yes for --token, where that works"
    )
    init: str = option("mean", "what new embedding rows start from", choices=INITS)
    description: tuple[str, ...] = option(
        (), "text whose embeddings a token starts from, for --init description", metavar="TOKEN=TEXT"
    )
    pad_to_multiple_of: int | None = option(
        None, "make the embedding rows a multiple of this", minimum=1, metavar="N"
    )
    sample: tuple[str, ...] = option(
        (), "texts to show the difference on", metavar="FILE", default_text="the shipped corpora"
    )
    seed: int = option(42, "of --init random", minimum=0, maximum=2**32 - 1)


@dataclass(frozen=True)
class Request:
    """One token asked for; ``role`` as in ``pad``, ``native`` where it goes into the vocabulary itself."""

    token: str
    special: bool = False
    role: str | None = None
    native: bool = False
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = False

    def as_added(self, id_: int) -> dict[str, Any]:
        """As `tokenizers` writes an added token to JSON."""
        flags = {name: getattr(self, name) for name in ("single_word", "lstrip", "rstrip", "normalized")}
        return {"id": id_, "content": self.token, **flags, "special": self.special}


def requested(spec: AddTokensOptions) -> tuple[Request, ...]:
    """Every token asked for, special ones first, without repeats.

    Raises `UsageError` where there is none, one is empty or no Unicode, or asked for as two kinds;
    `InputError` for a file that cannot be read.
    """
    roles = dict(_roles(spec.role))
    special = tuple(dict.fromkeys((*spec.special, *roles.values())))
    plain = tuple(dict.fromkeys((*spec.token, *_from_file(spec.tokens_file))))
    for flag, tokens in (("--special", special), ("--token", plain)):
        for token in tokens:
            _check(flag, token)
    if not special and not plain and spec.pad_to_multiple_of is None:
        raise UsageError("name at least one token", hint="--token COVID, --special '[S1]' or --tokens-file")
    if both := sorted(set(special) & set(plain)):
        raise UsageError(f'"{both[0]}" is asked for as a special and as a plain token; choose one')
    if spec.native and not special:
        _check_flags(spec)
    role_of = {token: role for role, token in roles.items()}
    made = [_request(spec, token, special=True, role=role_of.get(token)) for token in special]
    return (*made, *(_request(spec, token, special=False, role=None) for token in plain))


def descriptions(spec: AddTokensOptions, requests: tuple[Request, ...]) -> Mapping[str, str]:
    """token -> the text that describes it; raises `UsageError` for what describes none of the tokens."""
    if (spec.init == "description") != bool(spec.description):
        raise UsageError(
            "--init description and --description belong together",
            hint="--init description --description 'COVID=an infectious disease of the lungs'",
        )
    found = {}
    for entry in spec.description:
        named = [each.token for each in requests if entry.startswith(f"{each.token}=")]
        if not named:
            raise UsageError(f'--description: "{entry}" is not TOKEN=TEXT with one of the tokens asked for')
        token = max(named, key=len)
        found[token] = entry[len(token) + 1 :]
    return found


def _roles(entries: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        role, equals, token = entry.partition("=")
        if not equals or role not in ROLES:
            raise UsageError(
                f'--role: "{entry}" is not ROLE=TOKEN{did_you_mean(role, ROLES)}; roles: {", ".join(ROLES)}'
            )
        yield role, token


def _from_file(name: str | None) -> Iterator[str]:
    for path in () if name is None else expand([name]):
        for lines in streams.lines(Path(path)):
            yield from (token for line in lines if (token := line.rstrip("\r\n")))


def _check(flag: str, token: str) -> None:
    if not token:
        raise UsageError(f"{flag}: a token must not be empty")
    try:
        token.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(f"{flag}: {token!r} is no text: bytes that are not UTF-8 stand in it") from error


def _check_flags(spec: AddTokensOptions) -> None:
    """Raises `UsageError` for a flag of added tokens where all are to be native."""
    for name in ("single_word", "lstrip", "rstrip", "normalized"):
        if getattr(spec, name):
            raise UsageError(
                f"--{name.replace('_', '-')}: is about added tokens; --native puts words into the vocabulary"
            )


def _request(spec: AddTokensOptions, token: str, special: bool, role: str | None) -> Request:
    return Request(
        token,
        special=special,
        role=role,
        native=spec.native and not special,
        single_word=spec.single_word,
        lstrip=spec.lstrip,
        rstrip=spec.rstrip,
        normalized=not special if spec.normalized is None else spec.normalized,
    )
