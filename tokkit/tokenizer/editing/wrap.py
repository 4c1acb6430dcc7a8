"""`wrap`: a folder that transformers loads to the same ids, of a `tokenizer.json` or a `.model`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.errors import InputError, UsageError
from tokkit.options import apply_settings
from tokkit.progress import SILENT, Progress, stage
from tokkit.sources.paths import expand
from tokkit.sources.streams import lines
from tokkit.tokenizer.blocks import registry as blocks
from tokkit.tokenizer.blocks.post_processors import SpecialTokens
from tokkit.tokenizer.blocks.recipes import BERT_INPUTS, PLAIN_INPUTS
from tokkit.tokenizer.editing.proof import prove, texts_for
from tokkit.tokenizer.editing.repair import check_known, mended
from tokkit.tokenizer.editing.roles import CONFIGURATION, NAME, TEMPLATE, Roles, roles_of
from tokkit.tokenizer.editing.wrap_options import WrapOptions
from tokkit.tokenizer.editing.wrap_source import Source, source_of
from tokkit.tokenizer.editing.written import write_tokenizer
from tokkit.tokenizer.folder.load import LoadedTokenizer
from tokkit.tokenizer.folder.tokenizer_folder import TOKENIZER_FILE
from tokkit.tokenizer.sentencepiece.convert import FAIRSEQ

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_FAIRSEQ_TEMPLATE = "template:single=<s> $A </s>,pair=<s> $A </s> </s> $B </s>"


@dataclass(frozen=True)
class WrapResult:
    """The folder written.

    special        role -> token
    class_rebuild  how `AutoTokenizer` read the tokenizer as it came otherwise than its `tokenizer.json` says;
                   None where it did not. The folder written it reads right.
    proven_on      number of texts, pairs among them, that give the same ids before and after
    sha256         of `tokenizer.json`
    """

    tokenizer: str
    vocab_size: int
    special: Mapping[str, str]
    max_length: int | None
    input_names: tuple[str, ...]
    class_rebuild: str | None
    proven_on: int
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """The result in JSON's types; ``class_rebuild`` as ``{"found": how or None, "mended": whether}``."""
        rebuild = {"found": self.class_rebuild, "mended": self.class_rebuild is not None}
        return asdict(self) | {"input_names": list(self.input_names), "class_rebuild": rebuild}


def wrap(
    tokenizer: str | Path,
    out: str | Path = "out",
    spec: WrapOptions | None = None,
    *,
    force: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> WrapResult:
    """Writes a folder that `AutoTokenizer` and `PreTrainedTokenizerFast` load to the tokenizer's own ids.

    tokenizer  a `tokenizer.json`; a folder that holds one, or the files of older tokenizers, or one `.model`;
               a SentencePiece `.model`

    ``settings`` are fields of `WrapOptions`: ``wrap("tokenizer.json", "out/", pad_token="<pad>")``.
    Nothing is published unless every loader gives the same ids on every sample text.

    Raises `UsageError` for a token that is to have a role and is not in the vocabulary, and where the package
    `sentencepiece` is missing; `InputError` for what is no tokenizer, for one whose files name a token that
    is not there, and where ids differ; `OutputError`.
    """
    chosen = apply_settings(WrapOptions, spec, settings)
    samples = expand(chosen.sample) if chosen.sample else []
    files.check_output(Path(out), force=force, kind="folder")
    source = source_of(str(tokenizer), chosen, progress)
    read = [*source.read, *samples]
    with files.folder(Path(out), force=force, inputs=read) as staging:
        wrapped = _wrapped(source, chosen, progress)
        with stage(progress, "loading transformers"):
            rebuilt = source.rebuilt()
        if rebuilt is not None:
            progress.say(f"{source.name}: {rebuilt}; mended: the class written loads tokenizer.json as it is")
        test = write_tokenizer(staging, wrapped, chosen.extra_special_token)
        special = dict.fromkeys((*wrapped.special.values(), *chosen.extra_special_token))
        with stage(progress, "proving"):
            texts = _texts(special, samples)
            proven = prove(wrapped.backend, staging, texts, source.reference, progress)
        if not proven:
            raise InputError(f"{source.name}: fails on every sample text, so nothing can be proven")
        result = WrapResult(
            tokenizer=str(out),
            vocab_size=wrapped.vocab_size,
            special=dict(sorted(wrapped.special.items())),
            max_length=wrapped.max_length,
            input_names=wrapped.input_names,
            class_rebuild=rebuilt,
            proven_on=proven,
            sha256=files.sha256_of(staging / TOKENIZER_FILE),
        )
        told = result.as_dict()
        del told["tokenizer"]
        files.write_receipt(
            staging,
            command="wrap",
            settings=asdict(chosen) | {"sample": len(samples)},
            inputs=read,
            packages=("tokenizers", "transformers", *(("sentencepiece",) if source.converted else ())),
            result={**told, "self_test": test},
            run={},
        )
    return result


def _texts(special: Mapping[str, None], samples: Sequence[Path]) -> Iterator[str]:
    yield from texts_for(special)
    for path in samples:
        for block in lines(path):
            yield from (line.removesuffix("\n").removesuffix("\r") for line in block)


def _wrapped(source: Source, spec: WrapOptions, progress: Progress) -> LoadedTokenizer:
    """The tokenizer with its roles, template, lengths and inputs; what was found or changed is said."""
    backend = source.backend
    vocabulary = backend.get_vocab(with_added_tokens=True)
    given = spec.post_processor or ((_FAIRSEQ_TEMPLATE,) if source.layout == FAIRSEQ else ())
    processor = None if given else json.loads(backend.to_str())["post_processor"]
    roles = _roles(source, spec, processor, vocabulary, progress)
    if given:
        try:
            tokens = SpecialTokens(vocabulary, roles.tokens)
            backend.post_processor = blocks.sequence("post_processor", given, tokens)
        except UsageError as error:
            raise UsageError(
                error.message, hint="name tokens of the vocabulary: --cls-token TOKEN --sep-token TOKEN"
            ) from error
    special = (*roles.tokens.values(), *spec.extra_special_token)
    backend = mended(backend, special, source.name, progress)
    return LoadedTokenizer(
        backend=backend,
        special=roles.tokens,
        max_length=_max_length(source, spec, progress),
        input_names=_input_names(source, spec, backend),
        folder=source.folder,
        file=source.file,
    )


def _roles(
    source: Source,
    spec: WrapOptions,
    processor: Mapping[str, Any] | None,
    vocabulary: Mapping[str, int],
    progress: Progress,
) -> Roles:
    asked = dict(spec.roles())
    for flag, token in ((f"--{role}-token", token) for role, token in asked.items()):
        check_known([token], vocabulary, f"{flag}: names", source.name, UsageError)
    check_known(spec.extra_special_token, vocabulary, "--extra-special-token: names", source.name, UsageError)
    roles = roles_of(asked, source.roles, source.unknown, processor, vocabulary)
    for sentence in roles.contradicted:
        progress.say(f"{source.name}: {sentence}")
    for role, token in roles.tokens.items():
        if roles.origins[role] == CONFIGURATION:
            told = f"{source.name}: its configuration names as {role} token"
            check_known([token], vocabulary, told, source.name, InputError)
    guessed = {
        origin: ", ".join(
            f"{role} {token}" for role, token in roles.tokens.items() if roles.origins[role] == origin
        )
        for origin in (TEMPLATE, NAME)
    }
    for origin, told in guessed.items():
        if told:
            progress.say(f"taken from {_AS[origin]}: {told}")
    if "pad" not in roles.tokens:
        progress.say("no token pads: rows of different lengths make no batch; --pad-token names one")
    return roles


_AS = {TEMPLATE: "its template", NAME: "their names"}


def _max_length(source: Source, spec: WrapOptions, progress: Progress) -> int | None:
    found = spec.max_length or source.max_length or source.cut_at
    if found is None:
        progress.say("no length is known: truncation=True will cut nothing; --max-length 512 sets one")
    elif found == source.cut_at and not (spec.max_length or source.max_length):
        progress.say(f"model_max_length {found}: what it was set to cut texts at")
    return found


def _input_names(source: Source, spec: WrapOptions, backend: Tokenizer) -> tuple[str, ...]:
    if spec.token_type_ids is not None:
        return BERT_INPUTS if spec.token_type_ids == "yes" else PLAIN_INPUTS
    if source.input_names is not None:
        return source.input_names
    encoding = backend.post_process(
        backend.encode("", add_special_tokens=False), backend.encode("", add_special_tokens=False)
    )
    return BERT_INPUTS if 1 in encoding.type_ids else PLAIN_INPUTS
