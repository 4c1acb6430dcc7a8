"""Jobs in real child processes: results as they come, messages in order, one sentence for each failure."""

from __future__ import annotations

import time
from contextlib import closing

import psutil
import pytest

from tests.conftest import Heard
from tokkit.errors import InputError, Interrupted, OutputError, TokkitError
from tokkit.runtime.workers import Job, run_jobs, run_together

QUEUED = """
import os, signal, sys, time
from pathlib import Path
from tokkit.errors import InputError
from tokkit.progress import stage
from tokkit.runtime.worker import serve

FOLDER = Path(sys.argv[1])

def wait_for(name):
    while not (FOLDER / name).exists():
        time.sleep(0.005)

def work(job, progress):
    print("a library prints")
    progress.say(f"begins {job['name']}")
    for name in job.get("waits_for", ()):
        wait_for(name)
    with stage(progress, job["name"], 10, "rows"):
        progress.advance(4)
        time.sleep(0.11)
        progress.advance(6, loss="0.1")
    (FOLDER / job["name"]).touch()
    if job.get("fails"):
        raise {"input": InputError("bad rows", hint="look at them"), "memory": MemoryError(),
               "disk": OSError(28, "No space left", "x"), "bug": ZeroDivisionError("by zero")}[job["fails"]]
    if job.get("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    progress.say(f"ends {job['name']}")
    (FOLDER / f"{job['name']}.end").touch()
    return {"value": job["name"].upper(), "process": os.getpid(), "variable": os.environ.get("DEVICE")}

serve(work)
"""

LAUNCHER = """
import os, subprocess, sys
processes = [
    subprocess.Popen(
        [sys.executable, sys.argv[1], str(rank)],
        env={**os.environ, "LOCAL_RANK": str(rank)},
        start_new_session=True,
    )
    for rank in range(2)
]
codes = [process.wait() for process in processes]
for rank, code in enumerate(codes):
    if code < 0:
        print(f"failed (exitcode: {code}) local_rank: {rank} (pid: 1)", file=sys.stderr)
sys.exit(any(codes))
"""

TOGETHER = """
import os, signal, sys, time
from tokkit.errors import InputError, Interrupted
from tokkit.runtime.worker import serve

rank = int(sys.argv[1])

def work(job, progress):
    progress.say(f"process {rank} works")
    HOW
    return rank

serve(work, {"only": 1}, rank)
"""


def run(tmp_path, jobs, progress=None, devices=2):
    script = tmp_path / "worker.py"
    script.write_text(QUEUED, "utf-8")
    jobs = [Job(job["name"], job) for job in jobs]
    environments = [{"DEVICE": str(number)} for number in range(devices)]
    with closing(
        run_jobs(
            [str(script), str(tmp_path)], jobs, environments, progress or Heard(), "less:\n--processes 1"
        )
    ) as results:
        return list(results)


class Stages(Heard):
    """Keeps stages too, as sentences."""

    def start(self, stage, total, unit):
        self.say(f"[{stage} {total} {unit}")

    def advance(self, amount, **values):
        self.say(f"+{amount}{values or ''}")

    def finish(self):
        self.say("]")


def test_jobs_report_in_their_order_whichever_ends_first(tmp_path):
    heard = Stages()
    jobs = [{"name": "a", "waits_for": ["c"]}, {"name": "b"}, {"name": "c"}]
    results = run(tmp_path, jobs, heard)
    assert [number for number, _ in results] == [1, 2, 0]
    assert [result["value"] for _, result in results] == ["B", "C", "A"]
    # Three jobs in two processes, each with its own device.
    assert len({result["process"] for _, result in results}) == 2
    assert {result["variable"] for _, result in results} == {"0", "1"}
    said = [sentence for sentence in heard.sentences if not sentence.startswith("+")]
    assert said == ["begins a", "[a 10 rows", "]", "ends a", "begins b", "ends b", "begins c", "ends c"]
    assert heard.sentences.count("+4") == 1


def test_the_stage_of_a_job_whose_turn_comes_later_is_displayed_from_there(tmp_path):
    heard = Stages()
    # b is in its stage when a ends
    run(tmp_path, [{"name": "a"}, {"name": "b", "waits_for": ["a"]}], heard)
    assert heard.sentences.index("ends a") < heard.sentences.index("[b 10 rows")


def test_what_is_done_already_only_says_so(tmp_path):
    heard = Heard()
    script = tmp_path / "worker.py"
    script.write_text(QUEUED, "utf-8")
    jobs = [Job("a", {"name": "a"}), Job("b", None, ["b is there"]), Job("c", {"name": "c"})]
    results = dict(run_jobs([str(script), str(tmp_path)], jobs, [{}], heard))
    assert sorted(results) == [0, 2]
    assert heard.sentences == ["begins a", "ends a", "b is there", "begins c", "ends c"]


@pytest.mark.parametrize(
    ("fails", "kind", "message"),
    [
        ({"fails": "input"}, InputError, "b: bad rows"),
        ({"fails": "disk"}, OutputError, "b: x: No space left"),
        ({"fails": "memory"}, OutputError, "b: out of memory: no more can be allocated"),
        ({"fails": "bug"}, TokkitError, "b: internal error: ZeroDivisionError: by zero; this is a bug in"),
        ({"dies": True}, TokkitError, "b: its process was killed by signal 9: out of memory?"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_job_that_fails_ends_all_with_one_sentence(fails, kind, message, tmp_path):
    started = time.monotonic()
    with pytest.raises(TokkitError) as caught:
        run(tmp_path, [{"name": "a", "waits_for": ["never"]}, {"name": "b", **fails}])
    assert type(caught.value) is kind
    assert str(caught.value).startswith(message)
    assert time.monotonic() - started < 30
    hints = {InputError: "look at them", TokkitError: "less:\n--processes 1" if "dies" in fails else None}
    assert kind not in hints or caught.value.hint == hints[kind]


def test_a_job_that_is_stopped_leaves_no_process(tmp_path):
    class Stops(Heard):
        def cancelled(self):
            return "begins a" in self

    # Servers of other tests go on.
    others = psutil.Process().children()
    with pytest.raises(Interrupted):
        run(tmp_path, [{"name": "a", "waits_for": ["never"]}, {"name": "b", "waits_for": ["never"]}], Stops())
    assert not (tmp_path / "a.end").exists()
    # A process that has ended and was not waited for would be a child too.
    assert set(psutil.Process().children()) <= set(others)


def together(tmp_path, how, progress=None):
    (tmp_path / "process.py").write_text(TOGETHER.replace("HOW", how), "utf-8")
    (tmp_path / "launcher.py").write_text(LAUNCHER, "utf-8")
    arguments = [str(tmp_path / "launcher.py"), str(tmp_path / "process.py")]
    return run_together(arguments, {}, progress or Heard(), 2)


def test_of_processes_that_work_together_the_first_reports(tmp_path):
    heard = Heard()
    assert together(tmp_path, "pass", heard) == 0
    assert heard.sentences == ["process 0 works"]


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ('raise InputError(f"refused by {rank}", hint="-x")', InputError, "refused by 0"),
        # what follows from the error of the second is no error of the first
        (
            'raise InputError("bad") if rank else RuntimeError("Connection closed by peer")',
            InputError,
            "bad",
        ),
        (
            "os.kill(os.getpid(), signal.SIGKILL) if rank else sys.exit(1)",
            TokkitError,
            "process 2 of 2 was killed by signal 9: out of memory?",
        ),
        ("1 / 0", TokkitError, "internal error: ZeroDivisionError"),
        ("os._exit(3)", TokkitError, "training in several processes: its process ended with exit code 1"),
    ],
)
def test_one_error_for_all_that_work_together(how, kind, message, tmp_path):
    with pytest.raises(TokkitError) as caught:
        together(tmp_path, how)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(message)


def test_processes_that_are_stopped_remove_what_is_unfinished(tmp_path):
    class Stops(Heard):
        def cancelled(self):
            return "process 0 works" in self

    how = f"""
    try:
        while not progress.cancelled():
            time.sleep(0.01)
        raise Interrupted("interrupted; step 7 is kept")
    finally:
        open({str(tmp_path / "removed-")!r} + str(rank), "w").close()
"""
    with pytest.raises(Interrupted, match="step 7 is kept"):
        together(tmp_path, how.strip(), Stops())
    deadline = time.monotonic() + 10
    while not (tmp_path / "removed-1").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert {path.name for path in tmp_path.glob("removed-*")} == {"removed-0", "removed-1"}
