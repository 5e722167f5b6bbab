"""The processor cores that the instances of a model share."""

import os
from collections.abc import Mapping

VARIABLE = "LIPSYNC_CORES"  # set by whoever starts the server, who knows of quotas


def given_cores(environment: Mapping[str, str] = os.environ) -> int:
    """Returns the cores that the server's starter names, else those of the affinity mask."""
    text = environment.get(VARIABLE, "")
    return int(text) if text.isdecimal() and int(text) else len(os.sched_getaffinity(0))
