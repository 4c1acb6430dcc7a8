"""Rules about how a tokenizer is put together: its special tokens, its template, the class that loads it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from tokkit.errors import InputError
from tokkit.inspection.checks.inputs import ExaminedTokenizer, Subject
from tokkit.inspection.statistics.findings import ERROR, WARNING, Finding
from tokkit.tokenizer.folder.load import check_receipt, missing_unknown

STRANGE = ("𐎀𐎁", "ꙮꙮ", "𒀀𒀁", "🜀🜁", "㍿㍿")
"""Words that hardly any vocabulary holds: Ugaritic, Cyrillic, cuneiform, alchemy, a squared company."""

_USUAL = {"pad": ("[PAD]", "<pad>"), "cls": ("[CLS]",), "sep": ("[SEP]",), "mask": ("[MASK]", "<mask>")}
"""How the special tokens of a role are usually written."""


def self_test(subject: Subject) -> Iterator[Finding]:
    tokenizer = subject.tokenizer
    try:
        # The rule `unknown-token` reports a missing unknown token, which would fail this test as well.
        if missing_unknown(tokenizer.loaded.backend) is None:
            check_receipt(tokenizer.loaded)
    except InputError as error:
        fix = f"bring the old file back, or make it anew: {train_again(tokenizer, like=False)}"
        yield Finding("self-test", ERROR, error.message, fix)


def class_rebuild(subject: Subject) -> Iterator[Finding]:
    difference = subject.rebuilt
    if difference is not None:
        yield Finding(
            "class-rebuild",
            ERROR,
            difference,
            f"tokkit wrap {quoted(subject.tokenizer)} -o DIR names the class that loads it as it is",
        )


def unknown_token(subject: Subject) -> Iterator[Finding]:
    """Asked by trying: a word of characters that the vocabulary lacks."""
    tokenizer = subject.tokenizer
    lacking = missing_unknown(tokenizer.loaded.backend)
    if lacking is not None:
        message = f'its unknown token "{lacking}" is not in its vocabulary: a strange word raises an error'
    elif fails_on_strange(tokenizer):
        message = "it has no unknown token, and raises an error on a word it does not know"
    else:
        backend = tokenizer.loaded.backend
        # A model without an unknown token drops characters it lacks: no ids, and no error.
        if any(not backend.encode(word, add_special_tokens=False).ids for word in STRANGE):
            yield Finding(
                "unknown-token",
                WARNING,
                "it has no unknown token: characters it has not seen vanish from the text",
                f"train it with one, or on bytes: {train_again(tokenizer, like=False)}",
            )
        return
    yield Finding("unknown-token", ERROR, message, f"make it anew: {train_again(tokenizer, like=False)}")


def fails_on_strange(tokenizer: ExaminedTokenizer) -> bool:
    """Whether a word that the tokenizer does not know raises an error."""
    try:
        tokenizer.loaded.backend.encode_batch(list(STRANGE))
    except Exception:
        # The library raises bare exceptions.
        return True
    return False


def special_tokens(subject: Subject) -> Iterator[Finding]:
    tokenizer = subject.tokenizer
    for role, token in tokenizer.registered.items():
        if token not in tokenizer.vocabulary:
            yield Finding(
                "special-tokens",
                ERROR,
                f'its {role} token "{token}" is not in its vocabulary: transformers gives it a new id, '
                "behind the last",
                f"tokkit add-tokens {quoted(tokenizer)} --role {shlex.quote(f'{role}={token}')} -o DIR",
            )
    yield from _unregistered(tokenizer)
    kept = {each["content"] for each in tokenizer.added if each.get("special")}
    used = {*tokenizer.template, *tokenizer.registered.values()} & tokenizer.vocabulary.keys()
    if cut := sorted(used - kept):
        yield Finding(
            "special-tokens",
            WARNING,
            f"not marked as special: {', '.join(cut)}: decoding keeps them, and a text that holds one is cut",
            f"tokkit add-tokens {quoted(tokenizer)} {_flags('--special', cut)} -o DIR",
        )


def _unregistered(tokenizer: ExaminedTokenizer) -> Iterator[Finding]:
    """Special tokens that stand in the vocabulary, but that no configuration names by role."""
    # Such a class has its own names for all roles: BertTokenizer has [PAD] without any configuration.
    if tokenizer.has_class_of_its_own:
        return
    found = {
        role: next((token for token in usual if token in tokenizer.vocabulary), None)
        for role, usual in _USUAL.items()
        if role not in tokenizer.registered
    }
    named = {role: token for role, token in found.items() if token is not None}
    if named:
        missed = ", ".join(f'{role} ("{token}")' for role, token in named.items())
        outcome = "padding raises an error" if "pad" in named else "its model cannot ask for them"
        # a lone tokenizer.json is still to be wrapped; a configuration that leaves them out is wrong
        grave = "pad" in named and tokenizer.configured
        yield Finding(
            "special-tokens",
            ERROR if grave else WARNING,
            f"no configuration names its tokens for {missed}: {outcome}",
            f"tokkit wrap {quoted(tokenizer)} -o DIR",
        )


def pad_token(subject: Subject) -> Iterator[Finding]:
    tokenizer = subject.tokenizer
    if "pad" not in tokenizer.loaded.special and not tokenizer.has_class_of_its_own:
        yield Finding(
            "pad-token",
            WARNING,
            "it has no token to pad with: rows of different lengths make no batch",
            f"tokkit add-tokens {quoted(tokenizer)} --role pad='[PAD]' -o DIR",
        )


def stale_post_processor(subject: Subject) -> Iterator[Finding]:
    tokenizer = subject.tokenizer
    # The file stores ids in the template, next to its tokens: when a vocabulary is edited, the template keeps
    # the old ids and raises no error.
    for token, ids in tokenizer.template.items():
        now = tokenizer.vocabulary.get(token)
        if ids != [now]:
            state = "is not in the vocabulary" if now is None else f"has the id {now}"
            yield Finding(
                "stale-post-processor",
                ERROR,
                f'its post-processor puts id {", ".join(map(str, ids))} for "{token}", which {state}',
                f"tokkit wrap {quoted(tokenizer)} -o DIR"
                if now is not None
                else f"make it anew, ids looked up: {train_again(tokenizer)}",
            )


def train_again(tokenizer: ExaminedTokenizer, like: bool = True) -> str:
    """The command that trains a tokenizer of its kind; ``like`` takes its blocks and special tokens over."""
    family = {"BPE": "bpe", "Unigram": "unigram", "WordLevel": "word"}.get(tokenizer.kind, "wordpiece")
    inherits = like and tokenizer.kind in ("BPE", "WordPiece")
    return f"tokkit train-{family} CORPUS{f' --from {quoted(tokenizer)}' if inherits else ''} -o out/"


def quoted(tokenizer: ExaminedTokenizer) -> str:
    """Its name as it is typed in a shell."""
    return shlex.quote(tokenizer.name)


def _flags(flag: str, values: list[str]) -> str:
    return " ".join(f"{flag} {shlex.quote(value)}" for value in values)
