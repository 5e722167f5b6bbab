"""Files as WeNet's training saves them, with weights that anybody can make again."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

GOLDEN = Path(__file__).parents[4] / "shared" / "golden"

_VOCABULARY = 32


def recipe() -> Any:
    """The module that makes weights from names; skips a test where it is not there."""
    path = GOLDEN / "recipe.py"
    spec = importlib.util.spec_from_file_location("golden_recipe", path)
    if not path.is_file() or spec is None or spec.loader is None:
        pytest.skip("the golden numbers are not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def golden(name: str) -> dict[str, NDArray[np.float32]]:
    """Numbers of one golden file."""
    if not (GOLDEN / name).is_file():
        pytest.skip("the golden numbers are not there")
    with np.load(GOLDEN / name) as file:
        return {key: file[key] for key in file.files}


def wenet_state(blocks: int) -> dict[str, NDArray[Any]]:
    """Weights of the encoder with 2 or 12 blocks, by their names in the whole recogniser."""
    make = recipe()
    manifest = json.loads(
        (GOLDEN / f"A_wenet/manifest_conformer_{blocks}.json").read_text(encoding="utf-8")
    )
    state: dict[str, NDArray[Any]] = make.state_for_manifest(manifest)
    return state


def wenet_checkpoint(
    path: Path,
    blocks: int,
    change: Callable[[dict[str, NDArray[Any]]], object] | None = None,
) -> Path:
    """Writes the recogniser's bare state dict: the encoder, and what the export leaves out.

    Args:
        path: The file.
        blocks: 2 or 12.
        change: Changes the state dict before it is saved.
    """
    import torch

    make, state = recipe(), wenet_state(blocks)
    width = state["encoder.after_norm.weight"].shape[0]
    for key, shape in {
        "ctc.ctc_lo.weight": (_VOCABULARY, width),
        "ctc.ctc_lo.bias": (_VOCABULARY,),
        "decoder.embed.0.weight": (_VOCABULARY, width),
        "decoder.decoders.0.norm1.weight": (width,),
    }.items():
        state[key] = make.tensor_for_key(key, shape)
    if change is not None:
        change(state)
    torch.save({key: torch.from_numpy(np.array(value)) for key, value in state.items()}, path)
    return path


def small_state(blocks: int = 2, *, kernel: int = 7, has_batch_norm: bool = True) -> dict[str, Any]:
    """Random weights of a small recogniser's encoder, 32 wide, under WeNet's names.

    Args:
        blocks: Number of Conformer blocks.
        kernel: Frames under the convolution.
        has_batch_norm: Whether the convolution modules have a BatchNorm.
    """
    import torch

    width, hidden, heads, columns = 32, 48, 4, 19
    shapes: dict[str, tuple[int, ...]] = {
        "embed.conv.0.weight": (width, 1, 3, 3),
        "embed.conv.0.bias": (width,),
        "embed.conv.2.weight": (width, width, 3, 3),
        "embed.conv.2.bias": (width,),
        "embed.out.0.weight": (width, width * columns),
        "embed.out.0.bias": (width,),
        "after_norm.weight": (width,),
        "after_norm.bias": (width,),
    }
    for block in range(blocks):
        at = f"encoders.{block}."
        for name in ("q", "k", "v", "out"):
            shapes[f"{at}self_attn.linear_{name}.weight"] = (width, width)
            shapes[f"{at}self_attn.linear_{name}.bias"] = (width,)
        shapes[f"{at}self_attn.linear_pos.weight"] = (width, width)
        shapes[f"{at}self_attn.pos_bias_u"] = (heads, width // heads)
        shapes[f"{at}self_attn.pos_bias_v"] = (heads, width // heads)
        for name in ("feed_forward", "feed_forward_macaron"):
            shapes[f"{at}{name}.w_1.weight"] = (hidden, width)
            shapes[f"{at}{name}.w_1.bias"] = (hidden,)
            shapes[f"{at}{name}.w_2.weight"] = (width, hidden)
            shapes[f"{at}{name}.w_2.bias"] = (width,)
        for name in ("ff", "ff_macaron", "mha", "conv", "final"):
            shapes[f"{at}norm_{name}.weight"] = (width,)
            shapes[f"{at}norm_{name}.bias"] = (width,)
        conv = f"{at}conv_module."
        shapes[f"{conv}pointwise_conv1.weight"] = (2 * width, width, 1)
        shapes[f"{conv}pointwise_conv1.bias"] = (2 * width,)
        shapes[f"{conv}depthwise_conv.weight"] = (width, 1, kernel)
        shapes[f"{conv}depthwise_conv.bias"] = (width,)
        shapes[f"{conv}pointwise_conv2.weight"] = (width, width, 1)
        shapes[f"{conv}pointwise_conv2.bias"] = (width,)
        shapes[f"{conv}norm.weight"] = (width,)
        shapes[f"{conv}norm.bias"] = (width,)
        if has_batch_norm:
            shapes[f"{conv}norm.running_mean"] = (width,)
            shapes[f"{conv}norm.running_var"] = (width,)
    noise = torch.Generator().manual_seed(7)
    return {f"encoder.{key}": _weight(key, shape, noise) for key, shape in shapes.items()}


def _weight(key: str, shape: tuple[int, ...], noise: Any) -> Any:
    import torch

    z = torch.randn(shape, generator=noise)
    if key.endswith("running_var"):
        return 0.5 + z.abs()
    if len(shape) == 1:
        return 0.1 * z + float(key.endswith("weight"))
    return z / np.sqrt(np.prod(shape[1:]))
