"""How many threads every library gets, in one place, from the cores that are really given.

A container with a quota of 2 cores on a machine with 64 shows all 64 of them: libraries that count
for themselves then start 64 threads that stand in each other's way.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from orchestrator.cgroups import cpu_quota

CORES_VARIABLE = "LIPSYNC_CORES"
OPENCV = 1  # frames are worked on side by side in the job's own threads
BLAS = 1  # nothing here multiplies matrices outside of the models
BLAS_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def given_cores(environment: Mapping[str, str] = os.environ, *, quota: float | None = None) -> int:
    """Returns the cores that this process may use, at least 1.

    It is the variable `LIPSYNC_CORES` if that is a positive number, else the cores of its affinity
    mask, or fewer by the quota of its control groups.

    Args:
        environment: Where the variable is looked for.
        quota: Cores' worth of time; by default what the control groups grant.
    """
    wish = environment.get(CORES_VARIABLE, "")
    if wish.isdecimal() and int(wish):
        return int(wish)
    quota = cpu_quota() if quota is None else quota
    allowed = len(os.sched_getaffinity(0))
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


@dataclass(frozen=True)
class ThreadPlan:
    """The threads of every part that counts cores.

    Attributes:
        cores: Cores that a job and its server share.
    """

    cores: int

    @classmethod
    def of_this_process(cls) -> Self:
        """The plan for the cores that this process is given."""
        return cls(given_cores())

    @property
    def encoder(self) -> int:
        """Threads of the picture encoder."""
        return self.cores

    @property
    def decoder(self) -> int:
        """Threads of the picture decoder: what FFmpeg would choose for so many cores."""
        return min(self.cores + 1, 16) if self.cores > 1 else 1

    def environment(self) -> dict[str, str]:
        """Variables for a process that is started: its BLAS, and the models' share of cores."""
        return dict.fromkeys(BLAS_VARIABLES, str(BLAS)) | {CORES_VARIABLE: str(self.cores)}


def limit_own_libraries() -> None:
    """Sets the threads of this process's BLAS; it reads them when numpy is imported."""
    for name in BLAS_VARIABLES:
        os.environ.setdefault(name, str(BLAS))
