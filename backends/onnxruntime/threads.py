"""How an instance uses the cores that it was given."""

from dataclasses import dataclass

from backends.shared.config import ModelConfig
from backends.shared.parameters import read_whole


@dataclass(frozen=True)
class Threads:
    """Threads of one instance.

    Attributes:
        in_operator: Threads of each operator.
        across: Threads across operators, in parallel execution.
        pieces: Pieces of a batch that are run at once; 0 if batches are run whole.
    """

    in_operator: int
    across: int
    pieces: int

    @classmethod
    def of(cls, config: ModelConfig, kind: str, cores: int) -> "Threads":
        """Shares the cores out.

        Where the configuration says nothing, a batch on the processor is run in pieces, as many at
        once as there are cores, and operators have the threads that are then left.

        Args:
            config: The model's configuration.
            kind: `CPU` or `GPU`, the kind of the instance.
            cores: Processor cores that all instances of the model share.

        Raises:
            ValueError: If a thread count is no number.
        """
        share = max(1, cores // config.instances)
        wanted = read_whole(config.parameters, "intra_op_thread_count")
        across = read_whole(config.parameters, "inter_op_thread_count")
        across = across if across > 0 else share
        if wanted > 0 or kind != "CPU" or not config.is_batched:
            return cls(wanted if wanted > 0 else share, across, pieces=0)
        pieces = min(share, config.max_batch_size)
        return cls(share // pieces, across, pieces)
