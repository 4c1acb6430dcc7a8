"""Rules about a vocabulary: ids that two tokens share, that no token has, and that no text gives."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from tokkit.inspection.checks.inputs import ExaminedTokenizer, Subject
from tokkit.inspection.checks.reachable import unreachable
from tokkit.inspection.checks.tokenizer_rules import quoted, train_again
from tokkit.inspection.statistics.findings import ERROR, WARNING, Finding

_SHORTEST_FRAGMENT = 3
"""Characters of a special token, a bracket among them, that hardly stand together in a text by chance."""

_DECORATION = ("##", "▁", "Ġ", "</w>")
"""What pieces carry to say where in a word they stand."""


def duplicate_ids(subject: Subject) -> Iterator[Finding]:
    tokenizer = subject.tokenizer
    fix = f"make it anew: {train_again(tokenizer)}"
    if tokenizer.doubled:
        yield Finding(
            "duplicate-ids", ERROR, f"in its file twice: {some(tokenizer.doubled)}: the last one counts", fix
        )
    holders: dict[int, list[str]] = {}
    own = _own_vocabulary(tokenizer)
    for token, id_ in [*own, *((each["content"], each["id"]) for each in tokenizer.added)]:
        # An added token may repeat an entry of the vocabulary with the same id, which is no conflict.
        if token not in (held := holders.setdefault(id_, [])):
            held.append(token)
    shared = {id_: tokens for id_, tokens in holders.items() if len(tokens) > 1}
    if shared:
        groups = (f"{id_} is {' and '.join(tokens)}" for id_, tokens in sorted(shared.items()))
        yield Finding("duplicate-ids", ERROR, f"ids that two tokens share: {some(list(groups))}", fix)
    ids = dict(own)
    moved = [
        f"{each['content']} is {ids[each['content']]} and {each['id']}"
        for each in tokenizer.added
        if ids.get(each["content"], each["id"]) != each["id"]
    ]
    if moved:
        yield Finding("duplicate-ids", ERROR, f"tokens that have two ids: {some(moved)}", fix)


def _own_vocabulary(tokenizer: ExaminedTokenizer) -> list[tuple[str, int]]:
    """(token, id) of the model, without added tokens."""
    vocabulary = tokenizer.content["model"]["vocab"]
    # Unigram stores a list of (piece, score): the index is the id.
    if isinstance(vocabulary, list):
        return [(piece, id_) for id_, (piece, _) in enumerate(vocabulary)]
    return list(vocabulary.items())


def id_holes(subject: Subject) -> Iterator[Finding]:
    ids = set(subject.tokenizer.vocabulary.values())
    # Ids 0, 1 and 3 have one hole: 4 rows less 3 ids.
    holes = (max(ids, default=-1) + 1) - len(ids)
    if holes:
        yield Finding(
            "id-holes",
            WARNING,
            f"{holes} ids below its highest, {max(ids)}, have no token: embedding rows that nothing uses",
            _trim(subject),
        )


def special_as_text(subject: Subject) -> Iterator[Finding]:
    """Tokens that hold most of a special token: a corpus held it as text, and it was learned in pieces."""
    tokenizer = subject.tokenizer
    whole = {each["content"] for each in tokenizer.added}
    special = {each["content"].casefold() for each in tokenizer.added if each.get("special")}
    # [mask] gives [mask], mask] and [mask: with a bracket; the word `mask` alone is ordinary text.
    fragments = {
        part
        for token in special
        for part in (token, token[1:], token[:-1])
        if len(part) >= _SHORTEST_FRAGMENT and any(map(str.isalpha, part)) and not part.isalnum()
    }
    found = [
        token
        for token in tokenizer.vocabulary
        if token not in whole and any(part in _bare(token) for part in fragments)
    ]
    # A longer token holds the fragment within other text, for example in markup.
    found = [token for token in found if len(_bare(token)) <= max(map(len, special), default=0) + 1]
    if found:
        yield Finding(
            "special-as-text",
            WARNING,
            f"pieces of its special tokens were learned as text: {some(found)}",
            f"take them out of the corpus, then: {train_again(tokenizer)}",
        )


def _bare(token: str) -> str:
    for mark in _DECORATION:
        token = token.removeprefix(mark).removesuffix(mark)
    return token.casefold()


def unreachable_ids(subject: Subject) -> Iterator[Finding]:
    tokenizer = subject.tokenizer
    loaded = tokenizer.loaded
    # No text has to give these: padding and the template insert them.
    put = {id_ for role in loaded.special if (id_ := loaded.id_of(role)) is not None}
    put |= {id_ for ids in tokenizer.template.values() for id_ in ids}
    found = unreachable(loaded, tokenizer.content["model"], put)
    reasons = {
        "the model always cuts": found.never_built,
        "normalizer or pre-tokenizer never lets through": found.never_let_in,
    }
    groups = [f"{len(tokens)} that {reason} ({some(tokens)})" for reason, tokens in reasons.items() if tokens]
    if groups:
        count = len(found.never_built) + len(found.never_let_in)
        yield Finding(
            "unreachable-ids",
            WARNING,
            f"{count} of {len(tokenizer.vocabulary)} tokens come from no test text: {'; '.join(groups)}",
            f"harmless but for their embedding rows; {_trim(subject)}",
        )


def _trim(subject: Subject) -> str:
    model = f" --model {shlex.quote(subject.model.name)}" if subject.model else ""
    return f"tokkit trim {quoted(subject.tokenizer)} --to CORPUS{model} -o DIR"


def some(values: Sequence[str], most: int = 5) -> str:
    """The first few of them, and that there are more."""
    return ", ".join(values[:most]) + (", ..." if len(values) > most else "")
