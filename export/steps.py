"""What an export is at, and how long it took, told on standard error."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from export.parity import Figure


class Steps:
    """Tells of one step after the other.

    Attributes:
        console: Where.
    """

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Shows a step while it runs, and its seconds once it is done."""
        start = time.monotonic()
        with self.console.status(f"{name} …"):
            yield
        self.console.print(f"  {name:<34}{time.monotonic() - start:6.1f} s", highlight=False)

    def figures(self, figures: Sequence[Figure]) -> None:
        """Shows what was compared."""
        table = Table("part", "output", "compared", "difference", "limit", title="Parity")
        for figure in figures:
            numbers = (f"{figure.difference:.2g}", f"{figure.limit:.2g}")
            table.add_row(figure.part, figure.output, figure.what, *numbers)
        self.console.print(table)
