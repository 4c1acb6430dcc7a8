"""`encode`: a data set as token ids in files, a row each or packed, for training to read again and again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.encoding import packing
from tokkit.data.encoding.encode_options import MEGATRON, ROW_FORMATS, EncodeOptions
from tokkit.data.encoding.encode_tasks import WORDING, DatasetParts, EncoderOptions
from tokkit.data.encoding.part_writer import PartWriter
from tokkit.data.encoding.parts import Columns, link
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.streaming import StreamedDataset, TypesChanged, over_batches
from tokkit.errors import InputError, UsageError, counted
from tokkit.files.work import Work
from tokkit.options import apply_known, apply_to_both
from tokkit.progress import SILENT, Progress, SayOnce, Stages
from tokkit.runtime import threads as threading
from tokkit.runtime.engines.choice import engine_for
from tokkit.runtime.engines.engine import Engine, is_inline
from tokkit.runtime.engines.engine_options import EngineOptions
from tokkit.sources.paths import display_name
from tokkit.tokenizer.encoding import encode as of_texts
from tokkit.tokenizer.encoding.batch_encoder import BatchEncoders
from tokkit.tokenizer.folder.load import LoadedTokenizer, load

_PACKAGES = ("numpy", "polars", "pyarrow", "tokenizers")


@dataclass(frozen=True)
class EncodeResult:
    """rows, tokens  written; ``tokens`` with special tokens, without padding
    bytes         of text, in UTF-8
    without_text  rows without ids
    truncated     rows that were truncated at the maximum length
    splits        split -> rows
    pack          of packed sequences ``{"length", "rows", "full"}``: tokens of each, how many, share of their
                  tokens that are of documents
    sha256        of names and contents of all files but the receipt
    tokenizer_sha256  of the ``tokenizer.json``
    """

    output: str
    rows: int
    tokens: int
    bytes: int
    without_text: int
    truncated: int
    splits: dict[str, int]
    format: str
    pack: dict[str, Any] | None
    tokenizer_sha256: str
    sha256: str
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def encode(
    dataset: str | Path,
    tokenizer: str | Path,
    out: str | Path,
    options: EncodeOptions | None = None,
    *,
    read_options: DatasetOptions | None = None,
    engine_options: EngineOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> EncodeResult:
    """Writes the folder ``out`` with the token ids of every row of every split.

    The ids are exactly those of the tokenizer, special tokens included; nothing is truncated without
    ``max_length``. Files are ``train-00000.parquet`` and so on, with a row for each of the data set
    (`row_files`); with ``pack`` they hold sequences of that many tokens, for pretraining (`packing`). The
    same data, tokenizer and options give the same bytes at any thread count and with any engine. The next run
    continues one that was killed or interrupted.

    ``settings`` are fields of `EncodeOptions`, `DatasetOptions` and `EngineOptions`.

    Raises `InputError` for what cannot be read or encoded, `OutputError` where ``out`` exists (unless
    ``force``), `UsageError` for options that do not fit each other.
    """
    engine_options, settings = apply_known(EngineOptions, engine_options, settings)
    options, read_options = apply_to_both(EncodeOptions, options, DatasetOptions, read_options, settings)
    options = replace(options, output_format=options.written_format())
    engine = engine_for(engine_options, threads)
    progress = SayOnce(progress)
    out, stages = Path(out), Stages(progress)
    files.check_outside(out, dataset)
    files.check_output(out, force=force, inputs=(dataset, tokenizer), kind="folder")
    loaded = load(tokenizer, progress)
    encoding = _Encoding(
        out=out,
        options=options,
        read_options=read_options,
        tokenizer=loaded,
        threads=threading.threads_to_use(threads),
        engine_options=engine_options,
        engine=None if is_inline(engine) else engine,
        force=force,
        stages=stages,
        sources={"dataset": dataset, "tokenizer": tokenizer},
    )
    with closing(engine):
        _, result = over_batches(dataset, read_options, progress, encoding.run)
    return result


@dataclass(frozen=True)
class _Encoding:
    """One run: what is encoded how, and where it is written.

    engine   of other processes; None: threads of this one
    sources  the arguments by name, for the receipt
    """

    out: Path
    options: EncodeOptions
    read_options: DatasetOptions
    tokenizer: LoadedTokenizer
    threads: int
    engine_options: EngineOptions
    engine: Engine | None
    force: bool
    stages: Stages
    sources: Mapping[str, Any]

    def run(self, dataset: StreamedDataset) -> EncodeResult:
        """Encode all parts, then publish the folder."""
        if dataset.pair_column and self.options.pack:
            raise UsageError(
                f"--pack {self.options.pack}: sequences hold no pairs of texts",
                hint="name one column (--text-column), without --pair-column",
            )
        progress = self.stages.progress
        inputs = [*(path for split in dataset.splits.values() for path in split.files), self.tokenizer.folder]
        with files.folder(self.out, force=self.force, inputs=inputs) as staging:
            real = self.out.resolve()
            work = Work(files.work_path(real, "encoding"), self.out, None, WORDING)
            try:
                states = _states(inputs)
                work.begin(self._job(dataset, states), progress)
                with self.stages.stage("encoding"):
                    self._encode(dataset, work)
                if _states(inputs) != states:
                    raise InputError(
                        f"{dataset.source}: was changed while it was encoded", "run the command again"
                    )
                result = self._write(staging, dataset, work)
            except BaseException as error:
                # Bad input fails again in the next run, and standard input is gone.
                bad, again = isinstance(error, InputError | TypesChanged), _can_be_read_again(dataset)
                if bad or work.empty or not again:
                    work.remove()
                else:
                    work.say_kept(progress)
                raise
            self._write_receipt(staging, dataset, inputs, result)
        files.remove_work(work.folder, real)
        return replace(result, seconds=self.stages.seconds)

    def _job(self, dataset: StreamedDataset, states: Mapping[str, Any]) -> dict[str, Any]:
        columns = dataset.text_column, dataset.pair_column, dataset.label_column
        return {
            "options": asdict(self.options),
            "read_options": asdict(self.read_options),
            "columns": columns,
            "rows": dataset.unit,
            "tokenizer": self.tokenizer.sha256,
            "files": states,
            "versions": files.versions(*_PACKAGES),
        }

    @property
    def _output_format(self) -> str:
        return str(self.options.output_format)

    def _encode(self, dataset: StreamedDataset, work: Work) -> None:
        progress = self.stages.progress
        columns = Columns(dataset.text_column, dataset.pair_column, dataset.label_column)
        is_packed = self._output_format not in ROW_FORMATS
        end = self._end_token() if is_packed else None
        writer = PartWriter(self._output_format, self.tokenizer.vocab_size, end)
        # kernels take longer to load than `tokenizers` takes for a small file
        is_small = dataset.unit == "bytes" and dataset.size is not None and dataset.size < of_texts.SMALL
        for by_reference in (True,) if is_small else (False, True):
            parts = DatasetParts(dataset, columns, work, progress)
            if not (wrong := self._encode_parts(parts, columns, writer, by_reference)):
                return
            progress.say(
                f"internal error: {counted(wrong, 'text')} of a sample not encoded as tokenizers does; it "
                "encodes all of them now, which takes longer; this is a bug in tokkit, please report it"
            )
            work.discard()

    def _encode_parts(
        self, parts: DatasetParts, columns: Columns, writer: PartWriter, by_reference: bool
    ) -> int:
        """How many rows of a sample `tokenizers` encodes otherwise."""
        is_pair, most = columns.pair is not None, self.options.max_length
        if self.engine is not None:
            sha256 = self.tokenizer.sha256
            options = EncoderOptions(self.tokenizer.location, sha256, most, is_pair, by_reference)
            return parts.encode_in_tasks(options, writer, self.engine)
        encoders = BatchEncoders.of(
            self.tokenizer,
            most,
            pairs=is_pair,
            threads=self.threads,
            by_reference=by_reference,
            progress=self.stages.progress,
        )
        return parts.encode_in_threads(encoders, writer)

    def _end_token(self) -> int | None:
        """The token put behind every document: the tokenizer's, where it puts none there itself."""
        if self.tokenizer.backend.num_special_tokens_to_add(False):
            return None
        end = self.tokenizer.id_of("eos")
        named = "has no end token: documents follow each other without a mark; the index has where they begin"
        if end is not None:
            token = self.tokenizer.special["eos"]
            named = f'puts no special token around a text: each document ends with "{token}"'
        self.stages.progress.say(f"{self.tokenizer.folder}: {named}")
        return end

    def _write(self, staging: Path, dataset: StreamedDataset, work: Work) -> EncodeResult:
        """Write the files of all parts to ``staging``."""
        done = [work.done[number] for number in sorted(work.done)]
        if not any(part["rows"] > part["without_text"] for part in done):
            raise InputError(f"{dataset.source}: no row has a text")
        of_split = {name: [part for part in done if part["split"] == name] for name in dataset.splits}
        packs = []
        for name, parts in of_split.items():
            if self._output_format in ROW_FORMATS:
                for number, part in enumerate(parts):
                    run = work.folder / part["runs"][0]
                    link(run, staging / f"{name}-{number:05}.{self._output_format}")
            else:
                packs.append(
                    self._pack(staging, name, [work.folder / run for p in parts for run in p["runs"]])
                )
        totals = {
            key: sum(part[key] for part in done) for key in ("rows", "bytes", "without_text", "truncated")
        }
        return EncodeResult(
            output=str(self.out),
            tokens=sum(pack.tokens for pack in packs) if packs else sum(part["tokens"] for part in done),
            **totals,
            splits={name: sum(part["rows"] for part in parts) for name, parts in of_split.items()},
            format=self._output_format,
            pack=_pack_summary(packs) if packs else None,
            tokenizer_sha256=self.tokenizer.sha256,
            sha256=_sha256_of_files(staging),
            seconds=self.stages.seconds,
        )

    def _pack(self, staging: Path, split: str, runs: Sequence[Path]) -> packing.Packed:
        assert self.options.pack is not None
        raw = packing.RawParts.read(list(zip(runs[::2], runs[1::2], strict=True)))
        packed = packing.pack(raw.lengths, self.options.pack, self.options.seed)
        steps: Iterator[int]
        if self._output_format == MEGATRON:
            steps = packing.write_megatron(staging, split, raw, packed)
        else:
            pad = self.tokenizer.id_of("pad")
            steps = packing.write_numpy(staging, split, raw, packed, 0 if pad is None else pad)
        with self.stages.stage("packing", packed.rows * packed.capacity, "tokens") as progress:
            for tokens in steps:
                progress.advance(tokens)
        return packed

    def _write_receipt(
        self, staging: Path, dataset: StreamedDataset, inputs: Sequence[Path], result: EncodeResult
    ) -> None:
        content = result.as_dict()
        run = {
            "output": content.pop("output"),
            "seconds": content.pop("seconds"),
            "threads": self.threads,
            **asdict(self.engine_options),
        }
        columns = {name: getattr(dataset, name) for name in ("text_column", "pair_column", "label_column")}
        described = {"columns": columns, "label_kind": dataset.label_kind}
        files.write_receipt(
            staging,
            command="encode",
            settings={**asdict(self.read_options), **asdict(self.options)},
            inputs=[path for path in inputs if path.exists()],
            packages=_PACKAGES,
            sources=self.sources,
            result={**content, **described, "vocab_size": self.tokenizer.vocab_size},
            run=run,
        )


def _states(inputs: Sequence[Path]) -> dict[str, Any]:
    """Size and time of the last change of every file."""
    states = {str(path.absolute()): path.stat() for path in inputs if path.is_file()}
    return {name: [state.st_size, state.st_mtime_ns] for name, state in states.items()}


def _can_be_read_again(dataset: StreamedDataset) -> bool:
    paths = [path for split in dataset.splits.values() for path in split.files]
    return all(display_name(path) == str(path) for path in paths)


def _pack_summary(packs: Sequence[packing.Packed]) -> dict[str, Any]:
    rows, length = sum(pack.rows for pack in packs), packs[0].capacity
    full = sum(pack.tokens for pack in packs) / (rows * length) if rows else 0.0
    return {"length": length, "rows": rows, "full": full}


def _sha256_of_files(folder: Path) -> str:
    lines = [f"{files.sha256_of(path)}  {path.name}\n" for path in sorted(folder.iterdir())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
