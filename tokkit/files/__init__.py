"""Files: everything tokkit publishes goes through this room, and is old or new, never half.

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

What stands in the staging folder when the block ends is published in one step; when the block raises,
nothing is. Long commands call `check_output` before they start, so that a mistake costs no time.
``inputs`` are the files that are read: none of them is ever replaced.
"""

from tokkit.files.check import check_output
from tokkit.files.exchange import repair, replace_folder
from tokkit.files.failures import reported
from tokkit.files.locks import lock
from tokkit.files.names import staging_path, work_path
from tokkit.files.publish import files, folder, write_file
from tokkit.files.receipts import (
    RECEIPT,
    describe_input,
    read_receipt,
    receipt_path,
    sha256_of,
    versions,
    write_receipt,
)
from tokkit.files.sync import sync_folder
from tokkit.files.work import remove_work

__all__ = [
    "RECEIPT",
    "check_output",
    "describe_input",
    "files",
    "folder",
    "lock",
    "read_receipt",
    "receipt_path",
    "remove_work",
    "repair",
    "replace_folder",
    "reported",
    "sha256_of",
    "staging_path",
    "sync_folder",
    "versions",
    "work_path",
    "write_file",
    "write_receipt",
]
