"""How many frames are in flight to a model at once."""

_BATCHES = 2  # one is computed while the next one gathers
_MOST_BATCHES = 16  # what a link with a long way may take; memory stays bounded


def in_flight(max_batch_size: int, instances: int, batch_s: float, round_trip_s: float) -> int:
    """Returns the frames that keep every instance of a model busy.

    By Little's law a server that ends a batch every `batch_s` needs one more batch for every
    `batch_s` that a request is on its way. On one host that is none: all jobs keep equally many
    frames in flight, so that a server that takes the oldest request first gives them fair shares.

    Args:
        max_batch_size: Frames of a full batch.
        instances: Batches that the server computes side by side.
        batch_s: Time of the model's median batch; 0 where it is not known yet.
        round_trip_s: Time of the shortest question to the server and its answer.
    """
    on_their_way = round(round_trip_s / batch_s) if batch_s else 0
    return max_batch_size * instances * min(_BATCHES + on_their_way, _MOST_BATCHES)
