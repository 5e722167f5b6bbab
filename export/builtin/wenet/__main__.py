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
    """Make 20 hours of labelled speech with espeak-ng, Festival and Flite."""
    from export.builtin.wenet.synthesise import synthesise as run

    run(corpus)


@app.command()
def train(
    corpus: Corpus = _CORPUS,
    checkpoint: Checkpoint = _CHECKPOINT,
    steps: Annotated[
        int | None, typer.Option(help="Optimiser steps; as many as suit the device if not given.")
    ] = None,
    hold_out: Annotated[
        str | None, typer.Option(help="Do not train on this: flite, say, or flite-rms.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 0,
    seconds: Annotated[
        float | None, typer.Option(help="Stop after so long; the same command goes on.")
    ] = None,
) -> None:
    """Train the encoder, on a GPU where there is one; goes on where an earlier run stopped."""
    from export.builtin.wenet.train import train as run

    run(corpus, checkpoint, steps, hold_out, seed, seconds)


@app.command()
def export(
    corpus: Corpus = _CORPUS,
    checkpoint: Checkpoint = _CHECKPOINT,
    folder: Annotated[Path, typer.Option(help="Version folder to write.")] = Path(
        "model_repository/wenet/2"
    ),
) -> None:
    """Write the trained encoder into the model repository."""
    from export.builtin.wenet.publish import publish

    publish(checkpoint, corpus, folder)


@app.command()
def graph(
    file: Annotated[Path, typer.Argument(help="ONNX file to write.")],
    checkpoint: Checkpoint = _CHECKPOINT,
) -> None:
    """Write only the graph, to measure a development run."""
    from export.builtin.wenet.publish import export_onnx, load_encoder

    export_onnx(load_encoder(checkpoint), file)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    app()
