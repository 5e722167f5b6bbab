"""The old design's service in a process of its own."""

from pathlib import Path

import typer

from benchmarks.replay.old.service import Service, serve


def main(clip: Path, folder: Path, fault_file: Path, batch_size: int, load_s: float) -> None:
    """Serve until killed."""
    serve(Service(clip, folder, fault_file, batch_size, load_s), folder / "port")


if __name__ == "__main__":
    typer.run(main)
