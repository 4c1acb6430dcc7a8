"""Publishing folders and files in ordinary runs, and what an exception or an interrupt leaves."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from files_faults import content, in_child, names, publish_files, publish_folder

from tokkit import files
from tokkit.errors import InputError, OutputError


class TestFolder:
    def test_folder_publishes_a_new_one(self, tmp_path, either_way):
        publish_folder(tmp_path / "out", "new", force=False)
        assert content(tmp_path / "out")["tokenizer.json"] == "new"
        assert names(tmp_path) == ["out"]

    def test_folder_replaces_with_force(self, tmp_path, either_way):
        publish_folder(tmp_path / "out", "old")
        (tmp_path / "out" / "stale").write_text("gone afterwards")
        publish_folder(tmp_path / "out", "new")
        assert set(content(tmp_path / "out")) == {"tokenizer.json", "part/0.parquet", "tokkit.json"}
        assert content(tmp_path / "out")["tokenizer.json"] == "new"
        assert names(tmp_path) == ["out"]

    def test_folder_replaces_an_empty_one_with_force(self, tmp_path, either_way):
        (tmp_path / "out").mkdir()
        publish_folder(tmp_path / "out", "new")
        assert content(tmp_path / "out")["tokenizer.json"] == "new"

    def test_folder_without_force_keeps_the_old_one(self, tmp_path):
        publish_folder(tmp_path / "out", "old")
        with pytest.raises(OutputError, match="out: already exists") as caught:
            publish_folder(tmp_path / "out", "new", force=False)
        assert "--force" in caught.value.hint
        assert content(tmp_path / "out")["tokenizer.json"] == "old"
        assert names(tmp_path) == ["out"]

    def test_folder_asks_again_before_it_publishes(self, tmp_path, either_way):
        with pytest.raises(OutputError, match="already exists"), files.folder(tmp_path / "out") as staging:  # noqa: PT012
            (staging / "tokkit.json").write_text("{}")
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "thesis.txt").write_text("mine")
        assert content(tmp_path / "out") == {"thesis.txt": "mine"}
        assert names(tmp_path) == ["out"]

    def test_folder_without_force_keeps_the_one_that_a_repair_brought_back(self, tmp_path):
        aside = ".out.tokkit-0123456789abcdef"
        publish_folder(tmp_path / aside, "old")
        (tmp_path / ".out.tokkit-journal").write_text(aside + "\n")
        with pytest.raises(OutputError, match="already exists"), files.folder(tmp_path / "out"):
            pytest.fail("refused before any work is done")
        assert content(tmp_path / "out")["tokenizer.json"] == "old"
        assert names(tmp_path) == ["out"]

    def test_folder_has_the_modes_of_the_umask(self, tmp_path):
        before = os.umask(0o027)
        try:
            with files.folder(tmp_path / "a" / "out") as staging:
                (staging / "tokkit.json").write_text("{}")
                (staging / "sub").mkdir(mode=0o700)
                descriptor, _ = tempfile.mkstemp(dir=staging / "sub", prefix="private")
                os.close(descriptor)
            files.write_file(tmp_path / "plot.png", b"png")
        finally:
            os.umask(before)
        modes = {
            path.name[:7]: stat.S_IMODE(path.stat().st_mode)
            for path in [tmp_path / "plot.png", tmp_path / "a", *(tmp_path / "a").rglob("*")]
        }
        assert modes == {
            "a": 0o750, "out": 0o750, "tokkit.": 0o640, "sub": 0o750, "private": 0o640, "plot.pn": 0o640,
        }  # fmt: skip

    def test_folder_follows_a_link(self, tmp_path, either_way):
        (tmp_path / "runs").mkdir()
        publish_folder(tmp_path / "runs" / "7", "old")
        (tmp_path / "latest").symlink_to("runs/7")
        publish_folder(tmp_path / "latest", "new")
        assert (tmp_path / "latest").is_symlink()
        assert content(tmp_path / "runs" / "7")["tokenizer.json"] == "new"
        assert names(tmp_path / "runs") == ["7"]

    def test_folder_follows_a_link_to_nothing(self, tmp_path):
        (tmp_path / "latest").symlink_to("runs/8")
        publish_folder(tmp_path / "latest", "new", force=False)
        assert content(tmp_path / "runs" / "8")["tokenizer.json"] == "new"

    def test_folder_needs_its_receipt(self, tmp_path):
        with pytest.raises(RuntimeError, match=r"tokkit\.json"), files.folder(tmp_path / "out") as staging:
            (staging / "tokenizer.json").write_text("half")
        assert names(tmp_path) == []

    def test_folder_keeps_what_only_looks_like_a_leftover(self, tmp_path):
        others = [
            ".out.tokkit-parts",
            ".out.tokkit-0123",
            ".other.tokkit-0123456789abcdef",
            "out.tokkit-lock",
        ]
        for name in others:
            (tmp_path / name).mkdir()
        (tmp_path / ".out.tokkit-0123456789abcdef").mkdir()
        publish_folder(tmp_path / "out", "new")
        assert names(tmp_path) == sorted([*others, "out"])

    @pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt, SystemExit, OutputError])
    def test_folder_leaves_nothing_after_an_exception(self, tmp_path, raised):
        with pytest.raises(raised), files.folder(tmp_path / "a" / "b" / "out") as staging:  # noqa: PT012
            (staging / "tokkit.json").write_text("{}")
            raise raised("stop")
        assert names(tmp_path) == []

    def test_folder_keeps_parents_that_were_there(self, tmp_path):
        (tmp_path / "a").mkdir()
        with pytest.raises(ValueError), files.folder(tmp_path / "a" / "b" / "out"):
            raise ValueError
        assert names(tmp_path) == ["a"]
        assert names(tmp_path / "a") == []

    def test_folder_leaves_nothing_after_ctrl_c(self, tmp_path):
        publish_folder(tmp_path / "out", "old")

        def work():
            with files.folder(tmp_path / "out", force=True) as staging:
                (staging / "tokkit.json").write_text("{}")
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(10)

        started = time.monotonic()
        assert in_child(work) == 130
        assert time.monotonic() - started < 5
        assert content(tmp_path / "out")["tokenizer.json"] == "old"
        assert names(tmp_path) == ["out"]


class TestFiles:
    def test_files_publishes_what_belongs_together(self, tmp_path):
        publish_files(tmp_path / "out.csv", "new", force=False)
        assert names(tmp_path) == ["out.csv", "out.csv.tokkit.json", "out.csv.weights.json"]

    def test_files_replaces_all_with_force(self, tmp_path):
        publish_files(tmp_path / "out.csv", "old")
        publish_files(tmp_path / "out.csv", "new")
        assert set(content(tmp_path).values()) == {"new"}

    def test_files_without_force_keeps_all(self, tmp_path):
        publish_files(tmp_path / "out.csv", "old")
        with pytest.raises(OutputError, match="already exists"):
            publish_files(tmp_path / "out.csv", "new", force=False)
        assert set(content(tmp_path).values()) == {"old"}

    def test_files_asks_again_before_it_publishes(self, tmp_path):
        with pytest.raises(OutputError, match="already exists"), files.files(tmp_path / "out") as staging:  # noqa: PT012
            (staging / "out").write_text("new")
            (tmp_path / "out").write_text("mine")
        assert content(tmp_path) == {"out": "mine"}

    def test_files_removes_a_sibling_that_no_longer_belongs(self, tmp_path):
        publish_files(tmp_path / "out.csv", "old")
        with files.files(tmp_path / "out.csv", ".weights.json", ".tokkit.json", force=True) as staging:
            (staging / "out.csv").write_text("new")
            (staging / "out.csv.tokkit.json").write_text("new")
        assert content(tmp_path) == {"out.csv": "new", "out.csv.tokkit.json": "new"}

    @pytest.mark.parametrize("written", [[], ["out.csv.weights.json"], ["out.csv", "other"]])
    def test_files_refuses_undeclared_names(self, tmp_path, written):
        with (  # noqa: PT012
            pytest.raises(RuntimeError, match="files for"),
            files.files(tmp_path / "out.csv", ".weights.json") as staging,
        ):
            for name in written:
                (staging / name).write_text("?")
        assert names(tmp_path) == []

    def test_files_follows_a_link(self, tmp_path):
        (tmp_path / "v1.csv").write_text("old")
        (tmp_path / "latest.csv").symlink_to("v1.csv")
        publish_files(tmp_path / "latest.csv", "new")
        assert (tmp_path / "latest.csv").is_symlink()
        assert (tmp_path / "v1.csv").read_text() == "new"
        assert (tmp_path / "v1.csv.tokkit.json").read_text() == "new"

    def test_files_never_replaces_a_sibling_that_is_an_input(self, tmp_path):
        dropped = tmp_path / "out.csv.dropped.jsonl"
        dropped.write_text("rows")
        with (
            pytest.raises(OutputError, match="is an input"),
            files.files(tmp_path / "out.csv", ".dropped.jsonl", force=True, inputs=[dropped]),
        ):
            pass
        assert names(tmp_path) == ["out.csv.dropped.jsonl"]

    def test_write_file_writes_bytes(self, tmp_path):
        files.write_file(tmp_path / "plots" / "lengths.png", b"png")
        with pytest.raises(OutputError, match="already exists"):
            files.write_file(tmp_path / "plots" / "lengths.png", b"other")
        files.write_file(tmp_path / "plots" / "lengths.png", b"other", force=True)
        assert (tmp_path / "plots" / "lengths.png").read_bytes() == b"other"
        assert names(tmp_path / "plots") == ["lengths.png"]


class TestErrorsOfTheCaller:
    def test_publish_reports_a_full_disk(self, tmp_path):
        with (  # noqa: PT012
            pytest.raises(OutputError, match=r"no space left.*at least 1\.5 kB.* available"),
            files.folder(tmp_path / "out") as staging,
        ):
            (staging / "half").write_bytes(b"x" * 1500)
            with open("/dev/full", "w", buffering=1) as full:
                full.write("no room\n")
        assert names(tmp_path) == []

    def test_publish_reports_a_full_disk_told_in_words(self, tmp_path):
        with pytest.raises(OutputError, match="no space left"), files.folder(tmp_path / "out"):
            raise Exception("I/O error: No space left on device (os error 28)")

    def test_publish_reports_a_size_limit_told_in_words(self, tmp_path):
        with (
            pytest.raises(OutputError, match=r"out: cannot be written \(File too large\)"),
            files.folder(tmp_path / "out"),
        ):
            raise Exception("Error while serializing: I/O error: File too large (os error 27)")

    def test_publish_reports_failed_writes_to_staging(self, tmp_path):
        with (
            pytest.raises(OutputError, match="out: cannot be written"),
            files.folder(tmp_path / "out") as new,
        ):
            (new / "no" / "such" / "folder").write_text("?")

    def test_publish_reports_what_cannot_be_read_back_as_an_error_of_the_output(self, tmp_path):
        def write_and_read_back(read: Path) -> None:
            with files.files(tmp_path / "out.csv") as staging:
                (staging / "out.csv").write_text("text")
                raise InputError(f"{read if read.is_absolute() else staging / read}: cannot be read (EIO)")

        with pytest.raises(OutputError) as caught:
            write_and_read_back(Path("out.csv"))
        assert caught.value.message.endswith("out.csv: read back: out.csv: cannot be read (EIO)")
        with pytest.raises(InputError, match=r"rows\.csv: cannot be read"):
            write_and_read_back(tmp_path / "rows.csv")
        assert names(tmp_path) == []

    @pytest.mark.parametrize(
        "error", [FileNotFoundError(2, "No such file", "corpus.txt"), BrokenPipeError(32)]
    )
    def test_publish_passes_errors_that_are_not_of_writing(self, tmp_path, error):
        with pytest.raises(type(error)) as caught, files.folder(tmp_path / "out"):
            raise error
        assert caught.value is error

    def test_publish_survives_a_disk_that_is_really_full(self, tmp_path):
        script = """
import sys
from pathlib import Path
sys.path[:0] = ["tests/files", "."]
from files_faults import publish_folder, content, names
from tokkit.errors import InputError, OutputError
disk = Path(sys.argv[1])
publish_folder(disk / "out", "old")
try:
    publish_folder(disk / "out", "new" * 20_000)
except OutputError as error:
    assert "no space left" in error.message and "kB" in error.message, error.message
    assert content(disk / "out")["tokenizer.json"] == "old"
    assert names(disk) == ["out"], names(disk)
    sys.exit(44)
"""
        mount = 'mount -t tmpfs -o size=128k tokkit "$1" || exit 99; exec "$2" -c "$3" "$1"'
        try:
            done = subprocess.run(
                ["unshare", "-rm", "sh", "-c", mount, "sh", tmp_path, sys.executable, script],
                cwd=Path(__file__).parents[2],
                capture_output=True,
                text=True,
            )
        except FileNotFoundError:
            pytest.skip("no unshare here")
        if done.returncode in (1, 99) and "Traceback" not in done.stderr:
            pytest.skip("nothing may be mounted here")
        assert done.returncode == 44, done.stderr


def test_work_that_is_removed_in_part_is_none_to_continue(tmp_path, monkeypatch):
    out = tmp_path / "out"
    work = files.work_path(out, "folds")
    (work / "fold-1").mkdir(parents=True)
    (work / "fold-1" / "config.json").write_text("{}")
    with monkeypatch.context() as patch:
        patch.setattr(
            "shutil.rmtree", lambda *arguments, **options: None
        )  # as where a file cannot be removed
        files.remove_work(work, out)
    assert not work.exists()
    assert len(names(tmp_path)) == 1
    publish_folder(out, "new")
    assert names(tmp_path) == ["out"]  # the next run removes the rest
