"""The device of an instance."""

import torch

PROCESSOR = torch.device("cpu")


def granted_device(kind: str, device_id: int) -> torch.device | None:
    """Returns the device that Triton granted; None if the model chooses for itself.

    Args:
        kind: Kind of the instance: `CPU`, `GPU` or `MODEL`.
        device_id: Index of the GPU.

    Raises:
        ValueError: If it is a GPU that torch cannot use.
    """
    if kind == "MODEL":
        return None
    if kind != "GPU":
        return PROCESSOR
    device = torch.device("cuda", device_id)
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # the latter from a torch without CUDA
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(
            f"a GPU instance was asked for, but torch {torch.__version__} cannot use GPU "
            f"{device_id} ({reason}); install a torch with CUDA into the server's environment, or "
            "serve on the CPU"
        ) from error
    return device
