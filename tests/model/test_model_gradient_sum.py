"""`GradientSum` of two real processes, next to the sum of whole gradients."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
import torch
from torch import nn
import torch.distributed as dist
from tokkit.model.training.gradient_sum import GradientSum

rank = int(sys.argv[2])
dist.init_process_group("gloo", init_method="file://" + sys.argv[1], rank=rank, world_size=2)
torch.manual_seed(0)
model = nn.ModuleDict({
    "tokens": nn.Embedding(50, 4), "positions": nn.Embedding(8, 4), "only_first": nn.Embedding(5, 4),
    "nobody": nn.Linear(4, 4), "second": nn.Linear(4, 1),
    "frozen": nn.Embedding(6, 4), "head": nn.Linear(4, 2),
})
model["frozen"].weight.requires_grad_(False)
sum_gradients = GradientSum(model, torch.device("cpu"))
for step in range(3):  # the rows of the second step are more, those of the third less
    tokens = torch.tensor([[1, 7, 7], [0, 9, 49, 30, 31, 7, 2, 3], [4]][step]) + rank * (step == 0)
    states = model["tokens"](tokens) + model["positions"](torch.arange(len(tokens)))
    states = states + model["frozen"].weight[0] + (model["only_first"].weight[step] if rank == 0 else 0)
    loss = model["head"](states).pow(2).sum() * (rank + 1)
    if rank == 1:
        loss = loss + model["second"](states).sum()
    loss.backward()
    expected = {}
    for name, weight in model.named_parameters():
        whole = weight.grad.clone() if weight.grad is not None else torch.zeros_like(weight)
        dist.all_reduce(whole)
        expected[name] = whole
    sum_gradients()
    for name, weight in model.named_parameters():
        if name.split(".")[0] in ("nobody", "frozen"):
            assert weight.grad is None, name
        else:
            assert torch.equal(weight.grad, expected[name]), (step, name)
    model.zero_grad()
# NaN in a row is no row without a gradient.
if rank == 1:
    model["tokens"].weight.grad = torch.full((50, 4), 0.0).index_fill(0, torch.tensor([33]), float("nan"))
sum_gradients()
assert model["tokens"].weight.grad.isnan().any(dim=1).nonzero().tolist() == [[33]]
assert model["head"].weight.grad is None
dist.barrier()
dist.destroy_process_group()
print("equal")
"""


def test_the_sum_is_that_of_whole_gradients(tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "meet")]
    first, second = (
        subprocess.Popen([*command, rank], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for rank in "01"
    )
    printed = [process.communicate(timeout=120)[0] for process in (first, second)]
    assert [text.splitlines()[-1] for text in printed] == ["equal", "equal"], "\n".join(printed)
