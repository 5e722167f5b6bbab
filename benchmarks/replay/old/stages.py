"""The old design's three processes and what passes between them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice
from multiprocessing.queues import Queue
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from queue import Full
from typing import Any, Final, TypeAlias

import av
import numpy as np

from benchmarks.replay.cases import PUT_TIMEOUT_S, RATE
from benchmarks.replay.fault import Fault
from benchmarks.replay.old.renderer import FEATURES, Picture, Renderer

Items: TypeAlias = "Queue[list[Any]]"

QUEUE_ITEMS: Final = 10
FULL: Final = "任务视频驱动队列满，严重阻塞，下游队列异常"
SENT: Final = "发送数据大小"
GOT: Final = "audio_transfer get message"
CODED: Final = {"preset": "veryfast"}

logger = logging.getLogger(__name__)


def open_log(file: Path) -> None:
    """Lets a process write to the log that all of them share."""
    form = "[%(asctime)s] [%(processName)s] [%(levelname)s] [%(message)s]"
    logging.basicConfig(filename=file, format=form, level=logging.INFO, encoding="utf-8")


def drivered_video(
    clip: Path, frames: int, batch_size: int, code: str, queue: Items, log: Path
) -> None:
    """Producer: decodes a job's frames; when the queue stays full it says so, and nothing else."""
    open_log(log)
    features = np.zeros(FEATURES, np.float32)
    try:
        for index, batch in enumerate(batches(clip, frames, batch_size)):
            item = [batch, [features] * len(batch), code, index]
            queue.put(item, block=True, timeout=PUT_TIMEOUT_S)
            logger.info("%s:[%d], current_idx:%d", SENT, len(batch), index)
        queue.put([True, "success", code], block=True, timeout=PUT_TIMEOUT_S)
    except Full:
        logger.error(FULL)


def batches(clip: Path, frames: int, size: int) -> Iterator[list[Picture]]:
    """Decodes the first frames of a clip, so many together."""
    with av.open(str(clip)) as container:
        pictures = islice(container.decode(video=0), frames)
        while batch := list(islice(pictures, size)):
            yield [picture.to_ndarray(format="rgb24").astype(np.uint8) for picture in batch]


def audio_transfer(inbox: Items, outbox: Items, fault_file: Path, load_s: float, log: Path) -> None:
    """The one consumer, which lives as long as the service; its model is loaded in it."""
    open_log(log)
    renderer = Renderer(Fault(fault_file), load_s)
    while True:
        item = inbox.get()
        if isinstance(item[0], bool):
            outbox.put(item)
            continue
        logger.info(">>> %s", GOT)
        outbox.put(rendered(renderer, item))


def rendered(renderer: Renderer, item: list[Any]) -> list[Any]:
    """Returns what goes downstream for one item; it does not look whose job the item is of."""
    try:
        return [0, 0, renderer.render(item[0], item[1])]
    except Exception as error:
        logger.exception("数字人处理失败")
        return [False, str(error), ""]


def write_video(
    queue: Items, output: Path, size: tuple[int, int], written: Synchronized[int], log: Path
) -> None:
    """Writes what comes until an item says that it was all; waits for it without a limit."""
    open_log(log)
    with av.open(str(output), "w") as container:
        stream = container.add_stream("libx264", RATE, options=CODED)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        while not isinstance((item := queue.get())[0], bool):
            for picture in item[2]:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                container.mux(stream.encode(frame))
                written.value += 1
        container.mux(stream.encode(None))
    logger.info("write_video: %s", item[1])
