"""Recipe of the built-in speech encoder: speech by free synthesisers, training, export."""

import logging
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

Corpus = Annotated[Path, typer.Option(help="Folder of the synthesised speech.")]
Checkpoint = Annotated[Path, typer.Option(help="File of the trained weights.")]

_CORPUS = Path("out/wenet/corpus")
_CHECKPOINT = Path("out/wenet/encoder.pt")


@app.command()
def synthesise(corpus: Corpus = _CORPUS) -> None:
    """Make 8.5 hours of labelled speech with espeak-ng, Festival and Flite."""
    from export.builtin.wenet.synthesise import synthesise as run

    run(corpus)


@app.command()
def train(
    corpus: Corpus = _CORPUS,
    checkpoint: Checkpoint = _CHECKPOINT,
    steps: Annotated[int, typer.Option(help="Optimiser steps of 90 s of speech each.")] = 2300,
) -> None:
    """Train the encoder, and measure it on the test speech."""
    from export.builtin.wenet.train import train as run

    run(corpus, checkpoint, steps)


@app.command()
def export(
    corpus: Corpus = _CORPUS,
    checkpoint: Checkpoint = _CHECKPOINT,
    folder: Annotated[Path, typer.Option(help="Version folder to write.")] = Path(
        "model_repository/wenet/1"
    ),
) -> None:
    """Write the trained encoder into the model repository."""
    from export.builtin.wenet.publish import publish

    publish(checkpoint, corpus, folder)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    app()
