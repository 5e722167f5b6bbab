"""What a server's statistics tell of one version of a model."""

from typing import Any

from client.pulse import median_batch_s
from client.vigil import Work


def work_of(stats: Any) -> Work:
    """Reads Triton's `ModelStatistics`."""
    times = ((b.compute_infer.count, b.compute_infer.ns / 1e9) for b in stats.batch_stats)
    queue = stats.inference_stats.queue
    return Work(
        executions=int(stats.execution_count),
        batch_s=median_batch_s(times),
        requests=int(queue.count),
        queue_s=queue.ns / 1e9,
    )
