"""Rules about a vocabulary: ids that two tokens share, that no token has, and that no text gives."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from tokkit.errors import counted
from tokkit.inspection.checks.inputs import ExaminedTokenizer, Subject
from tokkit.inspection.checks.reachable import unreachable
from tokkit.inspection.checks.rule import Problem, rule
from tokkit.inspection.checks.tokenizer_rules import train_again
from tokkit.inspection.statistics.findings import ERROR, WARNING

# Characters of a special token, a bracket among them, that hardly stand together in a text by chance.
_SHORTEST_FRAGMENT = 3

_DECORATION = ("##", "▁", "Ġ", "</w>")  # what says where in a word a piece is


@rule(ERROR)
def duplicate_ids(subject: Subject) -> Iterator[Problem]:
    """Two tokens share an id, or a token has two."""
    tokenizer = subject.tokenizer
    fix = train_again(subject)
    if tokenizer.doubled:
        yield Problem(f"in its file twice: {some(tokenizer.doubled)}: the last one counts", fix)
    own = _own_vocabulary(tokenizer)
    added = [(token["content"], token["id"]) for token in tokenizer.added]
    # An added token may repeat an entry of the vocabulary with the same id, which is no conflict: as keys of
    # a dictionary, the tokens of an id are distinct and in order.
    tokens: dict[int, dict[str, None]] = {}
    for token, id_ in [*own, *added]:
        tokens.setdefault(id_, {})[token] = None
    if shared := [f"{id_} is {' and '.join(tokens[id_])}" for id_ in sorted(tokens) if len(tokens[id_]) > 1]:
        yield Problem(f"ids that two tokens share: {some(shared)}", fix)
    ids = dict(own)
    if moved := [f"{token} is {ids[token]} and {id_}" for token, id_ in added if ids.get(token, id_) != id_]:
        yield Problem(f"tokens that have two ids: {some(moved)}", fix)


def _own_vocabulary(tokenizer: ExaminedTokenizer) -> list[tuple[str, int]]:
    """(token, id) of the model, without added tokens."""
    vocabulary = tokenizer.content["model"]["vocab"]
    # Unigram stores a list of (piece, score): the index is the id.
    if isinstance(vocabulary, list):
        return [(piece, id_) for id_, (piece, _) in enumerate(vocabulary)]
    return list(vocabulary.items())


@rule(WARNING)
def id_holes(subject: Subject) -> Iterator[Problem]:
    """Ids below the highest have no token."""
    ids = set(subject.tokenizer.vocabulary.values())
    highest = max(ids, default=-1)
    # Ids 0, 1 and 3 have one hole: 4 rows less 3 ids.
    if holes := (highest + 1) - len(ids):
        ids_without = (
            f"{counted(holes, 'id')} below its highest, {highest}, {'has' if holes == 1 else 'have'}"
        )
        message = f"{ids_without} no token: embedding rows that nothing uses"
        yield Problem(message, _trim(subject))


@rule(WARNING)
def special_as_text(subject: Subject) -> Iterator[Problem]:
    """Tokens that hold most of a special token: a corpus held it as text, and it was learned in pieces."""
    tokenizer = subject.tokenizer
    added = {token["content"] for token in tokenizer.added}
    special = {token.casefold() for token in tokenizer.special}
    # [mask] gives [mask], mask] and [mask: with a bracket; the word `mask` alone is ordinary text.
    fragments = {
        part
        for token in special
        for part in (token, token[1:], token[:-1])
        if len(part) >= _SHORTEST_FRAGMENT and any(map(str.isalpha, part)) and not part.isalnum()
    }
    bare_tokens = {token: _bare(token) for token in tokenizer.vocabulary if token not in added}
    # A longer token holds the fragment within other text, for example in markup.
    longest = max(map(len, special), default=0) + 1
    pieces = [
        token
        for token, bare in bare_tokens.items()
        if len(bare) <= longest and any(part in bare for part in fragments)
    ]
    if pieces:
        yield Problem(
            f"pieces of its special tokens were learned as text: {some(pieces)}",
            f"take them out of the corpus, then {train_again(subject)}",
        )


def _bare(token: str) -> str:
    for mark in _DECORATION:
        token = token.removeprefix(mark).removesuffix(mark)
    return token.casefold()


@rule(WARNING)
def unreachable_ids(subject: Subject) -> Iterator[Problem]:
    """No text gives these tokens."""
    tokenizer = subject.tokenizer
    loaded = tokenizer.loaded
    # No text has to give these: padding and the template insert them.
    inserted = {id_ for role in loaded.special if (id_ := loaded.id_of(role)) is not None}
    inserted |= {id_ for ids in tokenizer.template.values() for id_ in ids}
    result = unreachable(loaded, tokenizer.content["model"], inserted)
    reasons = {
        "the model always cuts": result.never_built,
        "normalizer or pre-tokenizer never lets through": result.never_let_in,
    }
    groups = [f"{len(tokens)} that {reason} ({some(tokens)})" for reason, tokens in reasons.items() if tokens]
    if groups:
        count = sum(map(len, reasons.values()))
        yield Problem(
            f"{count} of {len(tokenizer.vocabulary)} tokens {'comes' if count == 1 else 'come'} from no "
            f"test text: {'; '.join(groups)}",
            f"harmless but for their embedding rows; to drop these, {_trim(subject)}",
        )


def _trim(subject: Subject) -> str:
    model = f" --model {subject.model.quoted}" if subject.model else ""
    if subject.data is None:
        return "keep what a corpus uses (the command trim)"
    command = f"tokkit trim {subject.tokenizer.quoted} --to {shlex.quote(subject.data.source)}{model}"
    return f"keep what this text uses:\n{command} -o fixed/"


def some(values: Sequence[str], most: int = 5) -> str:
    """The first few of them, and that there are more."""
    return ", ".join(values[:most]) + (", ..." if len(values) > most else "")
