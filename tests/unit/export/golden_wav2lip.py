"""Files as the training of Wav2Lip saves them, with weights from names."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.unit.export.golden_wenet import GOLDEN, recipe


def wav2lip_state() -> Mapping[str, NDArray[Any]]:
    """Weights of the generator, by their names."""
    path = GOLDEN / "E_wav2lip/manifest_wav2lip.json"
    make = recipe()
    manifest = json.loads(path.read_text(encoding="utf-8"))
    state: Mapping[str, NDArray[Any]] = make.state_for_manifest(manifest)
    return state


def wav2lip_checkpoint(path: Path, prefix: str = "module.") -> Path:
    """Writes the state of a training: the generator, trained on several GPUs, and the optimizer."""
    import torch

    state = {f"{prefix}{k}": torch.from_numpy(np.array(v)) for k, v in wav2lip_state().items()}
    saved = {"state_dict": state, "optimizer": {"lr": 1e-4}, "global_step": 9, "global_epoch": 1}
    torch.save(saved, path)
    return path
