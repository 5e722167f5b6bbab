"""Makes the built-in `face_detection` and `face_landmarks` models."""

import logging
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from client.errors import LipSyncError
from export.builtin.mediapipe.publish import publish
from export.builtin.mediapipe.wheel import download_wheel


def main(
    repository: Annotated[Path, typer.Option(help="Model repository to write into.")],
    wheel: Annotated[
        Path | None, typer.Option(help="Local copy of the pinned wheel; downloaded by default.")
    ] = None,
) -> None:
    """Converts MediaPipe's face networks and writes them into a model repository."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with tempfile.TemporaryDirectory() as folder:
            publish(repository, wheel or download_wheel(Path(folder)))
    except LipSyncError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    typer.run(main)
