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

from tokkit.files.dates import source_date as source_date
from tokkit.files.fields import Fields as Fields
from tokkit.files.origins import origin_of as origin_of
from tokkit.files.origins import pinned as pinned
from tokkit.files.origins import without_cache as without_cache
from tokkit.files.origins import write_origin as write_origin
from tokkit.files.privacy import address_of as address_of
from tokkit.files.privacy import address_refused as address_refused
from tokkit.files.privacy import check_inner as check_inner
from tokkit.files.privacy import copy_inner as copy_inner
from tokkit.files.privacy import private_folder as private_folder
from tokkit.files.privacy import redacted as redacted
from tokkit.files.publish import files as files
from tokkit.files.publish import folder as folder
from tokkit.files.publish import repair as repair
from tokkit.files.publish import sync_folder as sync_folder
from tokkit.files.publish import sync_tree as sync_tree
from tokkit.files.publish import write_file as write_file
from tokkit.files.receipts import CARD as CARD
from tokkit.files.receipts import RECEIPT as RECEIPT
from tokkit.files.receipts import changed_outputs as changed_outputs
from tokkit.files.receipts import describe_input as describe_input
from tokkit.files.receipts import input_facts as input_facts
from tokkit.files.receipts import read_receipt as read_receipt
from tokkit.files.receipts import receipt_fields as receipt_fields
from tokkit.files.receipts import receipt_path as receipt_path
from tokkit.files.receipts import sha256_of as sha256_of
from tokkit.files.receipts import unchanged as unchanged
from tokkit.files.receipts import versions as versions
from tokkit.files.receipts import write_receipt as write_receipt
from tokkit.files.staging import check_output as check_output
from tokkit.files.staging import check_outside as check_outside
from tokkit.files.staging import discard_work as discard_work
from tokkit.files.staging import lock as lock
from tokkit.files.staging import raising_output_error as raising_output_error
from tokkit.files.staging import raising_write_error as raising_write_error
from tokkit.files.staging import remove_work as remove_work
from tokkit.files.staging import staging_path as staging_path
from tokkit.files.staging import work_path as work_path
from tokkit.files.temporary import temporary_folder as temporary_folder
