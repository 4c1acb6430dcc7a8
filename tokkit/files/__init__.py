"""Atomic publishing: every output of tokkit goes through this package, and is old or new, never partial.

    from tokkit import files

    with files.folder(out, force=force, inputs=[corpus]) as staging:
        (staging / "tokenizer.json").write_text(text, "utf-8")
        files.write_receipt(staging, command="train-wordpiece", settings={"vocab_size": 30522},
                            inputs=[corpus], packages=["tokenizers"], result={"words": 1200},
                            run={"seconds": 0.4})

    with files.files(out, ".weights.json", ".tokkit.json", force=force, inputs=[table]) as staging:
        rows.write_csv(staging / out.name)
        (staging / f"{out.name}.weights.json").write_text(weights, "utf-8")
        files.write_receipt(staging / out.name, ...)

    files.write_file(Path("lengths.png"), png, force=force)

The content of the staging folder is published in one step when the block ends; when the block raises,
nothing is. Long commands call `check_output` before they start, so that a mistake costs no time.
``inputs`` are the files that the run reads: none of them is ever replaced.
"""

from tokkit.files.publish import files, folder, repair, replace_folder, sync_folder, sync_tree, write_file
from tokkit.files.receipts import (
    RECEIPT,
    describe_input,
    read_receipt,
    receipt_path,
    sha256_of,
    versions,
    write_receipt,
)
from tokkit.files.staging import (
    check_output,
    lock,
    raising_output_error,
    raising_write_error,
    remove_work,
    staging_path,
    work_path,
)

__all__ = [
    "RECEIPT",
    "check_output",
    "describe_input",
    "files",
    "folder",
    "lock",
    "raising_output_error",
    "raising_write_error",
    "read_receipt",
    "receipt_path",
    "remove_work",
    "repair",
    "replace_folder",
    "sha256_of",
    "staging_path",
    "sync_folder",
    "sync_tree",
    "versions",
    "work_path",
    "write_file",
    "write_receipt",
]
