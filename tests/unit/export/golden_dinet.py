"""Files as the trainings of DINet and of HeyGem's DINetV1 save them, with weights from names."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.unit.export.golden_wenet import GOLDEN, recipe

State = Mapping[str, NDArray[Any]]


def dinet_state() -> State:
    """Weights of the published generator with five references, by their names."""
    return _state("D_dinet_mrzzm/manifest_dinet_mrzzm.json")


def dinet_v1_state() -> State:
    """Weights of HeyGem's generator, by their names."""
    return _state("C_heygem_dinetv1/manifest_heygem_dinetv1.json")


def dinet_checkpoint(path: Path) -> Path:
    """Writes the trained networks of a clip, the generator among them, and the optimizer."""
    import torch

    generator = {f"module.{key}": tensor for key, tensor in _tensors(dinet_state()).items()}
    other = {"module.conv.weight": torch.zeros(2, 3, 4, 4)}
    networks = {"net_g": generator, "net_dI": other, "net_dV": other}
    torch.save({"epoch": 120, "state_dict": networks, "optimizer": {"net_g": {"lr": 1e-4}}}, path)
    return path


def dinet_v1_checkpoint(path: Path, **changes: Any) -> Path:
    """Writes HeyGem's file: the generator beside its masks and sizes."""
    import torch

    mask = np.ones((256, 256))
    mask[86:252, 37:218] = 0
    saved = {
        "face_G": _tensors(dinet_v1_state()),
        "model_name": "dinet_v1",
        "model_input_size": [256, 256],
        "model_output_size": [256, 256],
        "model_ngf": 64,
        "wh": 0.97,
        "nblend": True,
        "input_mask": mask,
        "input_mask_re": np.ones((256, 256)),
        "fuse_mask": np.full((256, 256), 255, np.uint8),
    }
    torch.save(saved | changes, path)
    return path


def _state(name: str) -> State:
    make = recipe()
    manifest = json.loads((GOLDEN / name).read_text(encoding="utf-8"))
    state: State = make.state_for_manifest(manifest)
    return state


def _tensors(state: State) -> dict[str, Any]:
    import torch

    return {key: torch.from_numpy(np.array(value)) for key, value in state.items()}
