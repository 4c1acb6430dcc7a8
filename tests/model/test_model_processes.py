"""Two processes that add up their gradients take the steps of one."""

from __future__ import annotations

import os
import socket

import pytest
import torch

from tests.model.test_loop import CPU, prepared
from tokkit.model.losses.cross_entropy import CrossEntropy
from tokkit.model.spec import FinetuneSpec
from tokkit.model.tasks.task import RowTargets
from tokkit.model.training.loop import Training, TrainingRows
from tokkit.progress import SILENT

SPEC = FinetuneSpec(size="tiny", epochs=1, batch_size=19, dropout=0.0, label_smoothing=0.1)
"""Six steps of 19 rows and one of a single row, of which the second process has none."""
ROWS = 115


def train_here(tokenizer):
    """What one of the processes, or the only one, ends with."""
    torch.set_num_threads(1)
    classifier, encoded, targets = prepared(tokenizer, SPEC, ROWS)
    weights = torch.tensor([0.5, 1.0, 3.0])
    rows = TrainingRows(encoded, RowTargets(targets), CrossEntropy(weights, SPEC.label_smoothing))
    training = Training(classifier, rows, SPEC, 1e-3, CPU, 200)
    [reached] = training.run(SILENT)
    return training.accelerator.num_processes, vars(reached), classifier.model.state_dict()


def _worker(rank, tokenizer, port, folder):
    rendezvous = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    os.environ |= {**rendezvous, "RANK": str(rank), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": "2"}
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.save(train_here(tokenizer), folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def _free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.long
def test_two_processes_end_where_one_does(tokenizer, tmp_path):
    torch.multiprocessing.spawn(_worker, (tokenizer, _free_port(), tmp_path), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=False) for rank in (0, 1))
    threads = torch.get_num_threads()
    number, alone, weights = train_here(tokenizer)
    torch.set_num_threads(threads)
    assert (number, first[0], second[0]) == (1, 2, 2)
    assert first[1] == second[1]
    assert first[1]["loss"] == pytest.approx(alone["loss"], abs=1e-5)
    assert first[1]["accuracy"] == alone["accuracy"]
    assert first[1]["tokens"] == alone["tokens"]
    for name, weight in weights.items():
        assert torch.equal(first[2][name], second[2][name]), name
        assert torch.allclose(first[2][name], weight, atol=1e-5), name
