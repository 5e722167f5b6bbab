"""One copy of a model's weights for all of its instances on a processor.

Each instance is a process, so what they share is the file: the system keeps its pages once. An
instance that writes to its weights gets pages of its own; it cannot spoil another's.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backends.pytorch.archive import weights_in

WORTHWHILE_BYTES = 4096  # a page


def share_weights(module: torch.jit.ScriptModule, path: Path) -> int:
    """Puts the pages of a model's file in the place of its weights in memory.

    Args:
        module: The model as it was loaded, on the processor.
        path: Its file, which nobody may change as long as the model is served.

    Returns:
        The size of what is shared now, in bytes.
    """
    offsets: dict[int, list[int]] = defaultdict(list)
    for offset, size in weights_in(path):
        offsets[size].append(offset)
    mapped: dict[int, torch.UntypedStorage] = {}
    for tensor in [*module.parameters(), *module.buffers()]:
        storage = tensor.untyped_storage()
        if storage.nbytes() < WORTHWHILE_BYTES or storage.device.type != "cpu":
            continue
        old = storage.data_ptr()  # tensors may share one storage
        if old not in mapped and (pages := _mapped(storage, path, offsets[storage.nbytes()])):
            mapped[old] = pages
        if old in mapped:
            tensor.set_(mapped[old], tensor.storage_offset(), tensor.size(), tensor.stride())
    return sum(storage.nbytes() for storage in mapped.values())


def _mapped(storage: Any, path: Path, offsets: list[int]) -> Any:
    """The pages that hold the same bytes; None if the file does not have them as they are."""
    data = torch.empty(0, dtype=torch.uint8).set_(storage).numpy()
    for offset in offsets:
        pages = np.memmap(path, np.uint8, mode="c", offset=offset, shape=data.shape)
        if np.array_equal(pages, data):
            return torch.from_numpy(pages).untyped_storage()
    return None
