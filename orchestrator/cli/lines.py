"""Lines on standard error for whoever reads them, and only if somebody does."""

import os
import select
from contextlib import suppress

STANDARD_ERROR = 2


def offer(text: str, file: int = STANDARD_ERROR) -> bool:
    """Writes a line to a descriptor, unless a full pipe would make the caller wait.

    A pipe that takes anything has room for a page: a shorter line is written at once. What is left
    of the page after the last line takes the sentence that ends a command.

    Returns:
        Whether it was written.
    """
    with suppress(OSError, ValueError):
        _, ready, _ = select.select([], [file], [], 0)
        if ready:
            os.write(file, f"{text}\n".encode(errors="backslashreplace"))
            return True
    return False
