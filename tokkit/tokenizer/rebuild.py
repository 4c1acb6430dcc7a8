"""Whether transformers reads a tokenizer folder to the ids its `tokenizer.json` gives.

For some classes (`BertTokenizer`, `RobertaTokenizer` and others, named in `tokenizer_config.json` or taken
from the model's `config.json` beside it) `AutoTokenizer` builds a pipeline of its own around the vocabulary
and so gives a tokenizer of another kind other ids, without a word.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.tokenizer import folder as tokenizer_folder
from tokkit.tokenizer.checkpoints import quiet

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def differs_when_loaded(folder: Path, backend: Tokenizer) -> str | None:
    """How `AutoTokenizer` reads the folder otherwise than this tokenizer does; None where it does not.

    Asked of the texts of the self-test. Raises `InputError` where the tokenizer panics on one.
    """
    samples = tokenizer_folder.self_test(backend)
    try:
        theirs = loaded_from(folder, "AutoTokenizer")
        for sample in samples:
            found = theirs(sample["text"], sample.get("pair"))["input_ids"]
            if found != sample["ids"]:
                name = type(theirs).__name__
                return f"AutoTokenizer rebuilds it as {name}, which cuts {sample['text']!r} into other ids"
    except Exception as error:
        return f"AutoTokenizer cannot load it: {type(error).__name__}: {str(error)[:200]}"
    return None


def loaded_from(folder: Path, loader: str) -> Any:
    """The tokenizer that a class of transformers makes of a folder, without network and without its code."""
    import transformers

    with quiet():
        return getattr(transformers, loader).from_pretrained(
            str(folder), trust_remote_code=False, local_files_only=True
        )
