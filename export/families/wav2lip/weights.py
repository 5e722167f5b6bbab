"""Where a file holds the weights of a Wav2Lip generator, told from names alone."""

from export.structure import Structure

# Training writes a dict with `state_dict` beside the optimizer; files that are handed around are
# often the bare state dict or a TorchScript archive, whose tensors have the same names.
_PATHS: tuple[tuple[str, ...], ...] = (("state_dict",), ())

# One tensor of each part. Larger relatives have them too: loading tells those apart.
_SIGNS = (
    "face_encoder_blocks.0.0.conv_block.0.weight",
    "audio_encoder.0.conv_block.0.weight",
    "face_decoder_blocks.0.0.conv_block.0.weight",
    "output_block.1.weight",
)


def find_weights(structure: Structure) -> tuple[str, ...] | None:
    """Returns the path of keys to the generator's state dict, or None if there is none."""
    if structure.kind == "onnx":
        return None
    found = (path for path in _PATHS if all(sign in structure.state(*path) for sign in _SIGNS))
    return next(found, None)
