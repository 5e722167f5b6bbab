"""Small TorchScript models, for the python of the embedded server: it is the one with torch.

    <environment>/bin/python recipes.py FOLDER

writes one file for every model below, under the name of its class, and an ONNX export of `Blend`.
"""

# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# torch is not installed where types are checked: its modules are then Any

import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.onnx._internal.torchscript_exporter import onnx_proto_utils

SIDE = 12


class Difference(nn.Module):
    """The order of its arguments matters."""

    def forward(self, minuend: Tensor, subtrahend: Tensor) -> Tensor:
        return minuend - subtrahend


class Keyed(nn.Module):
    def forward(self, rows: dict[str, Tensor]) -> Tensor:
        return rows["minuend"] - rows["subtrahend"]


class Neighbours(nn.Module):
    """The order of its results matters."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x - 1, x + 1


class Shout(nn.Module):
    def forward(self, words: list[str]) -> list[str]:
        return [word.upper() for word in words]


class Echo(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


class Turned(nn.Module):
    """The result is not contiguous in memory."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(-1, -2)


class Pick(nn.Module):
    """Fails on an index outside of the row."""

    def forward(self, x: Tensor, index: Tensor) -> Tensor:
        return torch.gather(x, 1, index)


class First(nn.Module):
    """Loses the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:1]


class Observed(nn.Module):
    """Shows whether it is run in inference mode; has something to optimize, and to fuse."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.tanh(x * 2.0 + 1.0) * x
        return y, torch.full_like(x, float(x.is_inference()))


class Parallel(nn.Module):
    """Starts the threads of operations, and of what is forked."""

    def forward(self, x: Tensor) -> Tensor:
        future = torch.jit.fork(torch.sin, x)
        return torch.sin(torch.ones(2_000_000)).mean() * 0 + torch.jit.wait(future)


class Heavy(nn.Module):
    """Has 16 MiB of weights, of which it changes one at every run."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2048, 2048))
        self.register_buffer("runs", torch.zeros(4096))

    def forward(self, x: Tensor) -> Tensor:
        self.runs[0] += 1
        return x * self.weight[0, 0] + self.runs[0]


class Cudnn(nn.Module):
    """Shows whether its input may go through cuDNN."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.full_like(x, float(torch.cudnn_is_acceptable(x)))


class Wide(nn.Module):
    """Needs 256 MB for the time of a run."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.ones([64_000_000], device=x.device).sum() * 0


class Sequence(nn.Module):
    """Sees what the sequence batcher tells it: x, start and correlation ID side by side."""

    def forward(self, x: Tensor, start: Tensor, identity: Tensor) -> Tensor:
        return torch.cat([x, start, identity.to(x.dtype)], 1)


class Blend(nn.Module):
    """A small network."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 4, 2, 2),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(4 * 4 * SIDE * SIDE, 16),
            nn.LayerNorm(16),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.layers(x), 1)


class Double(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.double()


class Scalar(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum()


class ReturnsDictionary(nn.Module):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"y": x}


class ReturnsList(nn.Module):
    def forward(self, x: Tensor) -> list[Tensor]:
        return [x]


class TakesNumber(nn.Module):
    def forward(self, x: Tensor, factor: int) -> Tensor:
        return x * factor


class TakesTwoDictionaries(nn.Module):
    def forward(self, a: dict[str, Tensor], b: dict[str, Tensor]) -> Tensor:
        return a["x"] + b["x"]


class Formless(nn.Module):
    """Has no `forward()`."""

    @torch.jit.export
    def other(self, x: Tensor) -> Tensor:
        return x


def write_all(folder: Path) -> None:
    """Writes every model, and beside them a file that is a checkpoint and no TorchScript."""
    for model in nn.Module.__subclasses__():
        if model.__module__ == __name__:
            torch.jit.script(model().eval()).save(folder / f"{model.__name__}.pt")
    torch.save(Heavy().state_dict(), folder / "Checkpoint.pt")
    write_onnx(Blend().eval(), folder / "Blend.onnx")


def write_onnx(model: nn.Module, path: Path) -> None:
    """Exports a model without the package onnx, which the server's environment does not have."""
    onnx_proto_utils._add_onnxscript_fn = lambda model_bytes, _: model_bytes
    torch.onnx.export(
        model,
        (torch.zeros(2, 3, SIDE, SIDE),),
        path,
        dynamo=False,
        opset_version=17,
        input_names=["x"],
        output_names=["y"],
        dynamic_axes={"x": {0: "N"}, "y": {0: "N"}},
    )


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
