"""Rules about how a tokenizer is put together: its special tokens, its template, the class that loads it."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tokkit.errors import InputError
from tokkit.inspection.checks.inputs import MODEL_CONFIG, ExaminedTokenizer, Subject
from tokkit.inspection.checks.rule import Problem, rule
from tokkit.inspection.statistics.findings import ERROR, WARNING
from tokkit.tokenizer.blocks.post_processors import unmarked
from tokkit.tokenizer.folder.checkpoints import rebuild_difference
from tokkit.tokenizer.folder.load import check_receipt, missing_unknown
from tokkit.tokenizer.folder.tokenizer_folder import TOKENIZER_FILE

# Words that hardly any vocabulary holds: Ugaritic, Cyrillic, cuneiform, alchemy, a squared company.
STRANGE = ("𐎀𐎁", "ꙮꙮ", "𒀀𒀁", "🜀🜁", "㍿㍿")

# How the special tokens of a role are usually written.
_USUAL = {"pad": ("[PAD]", "<pad>"), "cls": ("[CLS]",), "sep": ("[SEP]",), "mask": ("[MASK]", "<mask>")}


@rule(ERROR)
def self_test(subject: Subject) -> Iterator[Problem]:
    """It gives other ids than when tokkit made it."""
    tokenizer = subject.tokenizer
    try:
        # The rule `unknown-token` reports a missing unknown token, which would fail this test as well.
        if missing_unknown(tokenizer.loaded.backend) is None:
            check_receipt(tokenizer.loaded)
    except InputError as error:
        fix = f"bring the old file back, or {train_again(subject, like=False)}"
        yield Problem(error.message, fix)


@rule(ERROR)
def class_rebuild(subject: Subject) -> Iterator[Problem]:
    """AutoTokenizer rebuilds it and gives other ids.

    Where the tokenizer's configuration names no class, the model's configuration decides it.
    """
    tokenizer, model = subject.tokenizer, subject.model
    file, class_name = tokenizer.loaded.file, tokenizer.config.get("tokenizer_class")
    own = tokenizer.loaded.folder / MODEL_CONFIG
    config = own if own.exists() else model.folder / MODEL_CONFIG if model else None
    # Generic classes load `tokenizer.json` unchanged, so that the ids cannot differ. Returning here also
    # avoids loading transformers, which takes seconds.
    generic = class_name in ("PreTrainedTokenizerFast", "TokenizersBackend")
    if not file.exists() or generic or (class_name is None and config is None):
        return
    # `AutoTokenizer` reads tokenizer and model configuration from one folder, as a saved model has them.
    with tempfile.TemporaryDirectory(prefix="tokkit-") as temporary:
        folder = Path(temporary)
        for path in tokenizer.loaded.folder.iterdir():
            if path.is_file() and path.suffix in (".json", ".txt") and path.name != "tokkit.json":
                shutil.copyfile(path, folder / path.name)
        shutil.copyfile(file, folder / TOKENIZER_FILE)
        if config is not None:
            shutil.copyfile(config, folder / MODEL_CONFIG)
        difference = rebuild_difference(folder, tokenizer.loaded.backend)
    if difference is not None:
        fix = f"name the class that loads it as it is:\ntokkit wrap {tokenizer.quoted} -o fixed/"
        yield Problem(difference, fix)


@rule(ERROR)
def unknown_token(subject: Subject) -> Iterator[Problem]:
    """A strange word, of characters that the vocabulary lacks, raises an error, or vanishes."""
    tokenizer = subject.tokenizer
    backend, training = tokenizer.loaded.backend, train_again(subject, like=False)
    lacking = missing_unknown(backend)
    if lacking is not None:
        message = f'its unknown token "{lacking}" is not in its vocabulary: a strange word raises an error'
        yield Problem(message, training)
    elif fails_on_strange(tokenizer):
        message = "it has no unknown token, and raises an error on a word it does not know"
        yield Problem(message, training)
    # A model without an unknown token drops characters it lacks: no ids, and no error.
    elif any(not backend.encode(word, add_special_tokens=False).ids for word in STRANGE):
        message = "it has no unknown token: characters it has not seen vanish from the text"
        yield Problem(message, training, WARNING)


def fails_on_strange(tokenizer: ExaminedTokenizer) -> bool:
    """Whether a word that the tokenizer does not know raises an error."""
    try:
        tokenizer.loaded.backend.encode_batch(list(STRANGE))
    except Exception:  # the library raises bare exceptions
        return True
    return False


@rule(ERROR)
def special_tokens(subject: Subject) -> Iterator[Problem]:
    """A special token is not in the vocabulary, named by nobody, or cut as text."""
    tokenizer = subject.tokenizer
    for role, token in tokenizer.registered.items():
        if token not in tokenizer.vocabulary:
            yield Problem(
                f'its {role} token "{token}" is not in its vocabulary: transformers gives it a new id, '
                "behind the last",
                f"add it:\ntokkit add-tokens {tokenizer.quoted} --role {shlex.quote(f'{role}={token}')} "
                "-o fixed/",
            )
    yield from _unregistered(tokenizer)
    used = {*tokenizer.template, *tokenizer.registered.values()} & tokenizer.vocabulary.keys()
    if cut := sorted(used.difference(tokenizer.special)):
        flags = " ".join(f"--special {shlex.quote(token)}" for token in cut)
        yield Problem(
            f"not marked as special: {', '.join(cut)}: decoding keeps them, and a text that holds one is cut",
            f"mark them:\ntokkit add-tokens {tokenizer.quoted} {flags} -o fixed/",
            WARNING,
        )


def _unregistered(tokenizer: ExaminedTokenizer) -> Iterator[Problem]:
    """Special tokens that stand in the vocabulary, but that no configuration names by role."""
    # Such a class has its own names for all roles: BertTokenizer has [PAD] without any configuration.
    if tokenizer.has_class_of_its_own:
        return
    usual = {
        role: next((token for token in tokens if token in tokenizer.vocabulary), None)
        for role, tokens in _USUAL.items()
        if role not in tokenizer.registered
    }
    unnamed = {role: token for role, token in usual.items() if token is not None}
    if unnamed:
        roles = ", ".join(f'{role} ("{token}")' for role, token in unnamed.items())
        outcome = "padding raises an error" if "pad" in unnamed else "its model cannot ask for them"
        # A lone tokenizer.json is still to be wrapped; a configuration that leaves them out is wrong.
        grave = "pad" in unnamed and tokenizer.configured
        yield Problem(
            f"no configuration names its tokens for {roles}: {outcome}",
            f"name them:\ntokkit wrap {tokenizer.quoted} -o fixed/",
            ERROR if grave else WARNING,
        )


@rule(WARNING)
def pad_token(subject: Subject) -> Iterator[Problem]:
    """Nothing to pad a batch with."""
    tokenizer = subject.tokenizer
    if "pad" not in tokenizer.loaded.special and not tokenizer.has_class_of_its_own:
        yield Problem(
            "it has no token to pad with: rows of different lengths make no batch",
            f"add one:\ntokkit add-tokens {tokenizer.quoted} --role pad='[PAD]' -o fixed/",
        )


@rule(ERROR)
def stale_post_processor(subject: Subject) -> Iterator[Problem]:
    """The template puts ids that are no longer those of its tokens."""
    tokenizer = subject.tokenizer
    # The file stores ids in the template, next to its tokens: when a vocabulary is edited, the template keeps
    # the old ids and raises no error.
    for token, ids in tokenizer.template.items():
        current = tokenizer.vocabulary.get(token)
        if current is None:
            state, fix = "is not in the vocabulary", train_again(subject)
        else:
            state, fix = (
                f"has the id {current}",
                f"look ids up:\ntokkit wrap {tokenizer.quoted} -o fixed/",
            )
        if ids != [current]:
            old = ", ".join(map(str, ids))
            yield Problem(f'its post-processor puts id {old} for "{token}", which {state}', fix)


@rule(WARNING)
def template(subject: Subject) -> Iterator[Problem]:
    """No template adds its cls and sep tokens, or none puts one between the texts of a pair."""
    tokenizer = subject.tokenizer
    if not tokenizer.has_class_of_its_own and (
        missing := unmarked(tokenizer.loaded.backend, tokenizer.loaded.special)
    ):
        fix = f"add one:\ntokkit wrap {tokenizer.quoted} --post-processor bert -o fixed/"
        yield Problem(missing, fix)


def train_again(subject: Subject, like: bool = True, recipe: str | None = None) -> str:
    """How to train a tokenizer of its kind; ``like`` takes its blocks and special tokens over.

    recipe   of WordPiece, for the script of the text
    """
    tokenizer = subject.tokenizer
    family = {"BPE": "bpe", "Unigram": "unigram", "WordLevel": "word"}.get(tokenizer.kind, "wordpiece")
    inherits = like and tokenizer.kind in ("BPE", "WordPiece")
    if subject.data is None:
        return f"train one again (train-{family}{' --from' if inherits else ''})"
    command = f"tokkit train-{family} {shlex.quote(subject.data.source)}"
    further = f" --from {tokenizer.quoted}" if inherits else ""
    if recipe is not None and family == "wordpiece":
        further = f" --recipe {recipe}"
    return f"train one on this text:\n{command}{further} -o trained/"
