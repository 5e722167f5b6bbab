"""Lines by which an old service's log tells what happened to it, and what they mean.

What is known of them comes from the service's public logs and fault reports.
"""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["cause", "effect", "note"]

RESTART = "Restart the service: nothing else ends this state."
_GPU_MEMORY = (
    "Free the GPU's memory, or use fewer or smaller jobs at once; then restart the service."
)
_GPU_STACK = "Install CUDA, cuDNN and driver that fit its onnxruntime-gpu and PyTorch."
_INPUT = "Give it another file; other tasks are not affected."

PROCESSES = {
    "audio_transfer": "rendering process (audio_transfer)",
    "init_wh_process": "face measuring process (init_wh_process)",
    "drivered_video": "frame reading process (drivered_video)",
    "write_video": "writing process (write_video)",
    "TransDhTask": "task itself (TransDhTask)",
}


@dataclass(frozen=True)
class Sign:
    """A line that means something by itself.

    Attributes:
        words: The line holds one of them; looking for words is much faster than for a pattern.
        kind: Whether it is a cause of failure, its consequence, or worth knowing only.
        sentence: What it means; {0} stands for the pattern's first group.
        mend: What to do.
        pattern: What the line holds besides, if words do not suffice.
    """

    words: tuple[str, ...]
    kind: Kind
    sentence: str
    mend: str = ""
    pattern: re.Pattern[str] | None = None

    def meaning(self, text: str) -> str | None:
        """The sentence for a line; None if the line does not hold the sign."""
        if not any(word in text for word in self.words):
            return None
        if self.pattern is None:
            return self.sentence
        found = self.pattern.search(text)
        return self.sentence.format(*found.groups()) if found else None


SIGNS: tuple[Sign, ...] = (
    Sign(
        ("libonnxruntime_providers_cuda.so with error",),
        "cause",
        "ONNX Runtime cannot use the GPU because {0} is missing: its models run on the CPU, many"
        " times slower, or do not load",
        _GPU_STACK,
        re.compile(r"with error: (\S+?): cannot open shared object"),
    ),
    Sign(
        ("Failed to create CUDAExecutionProvider", "* EP Error *"),
        "cause",
        "ONNX Runtime cannot use the GPU: its models run on the CPU, many times slower, or do not"
        " load",
        _GPU_STACK,
    ),
    Sign(
        ("CUDA failure 35", "driver version is insufficient", "驱动程序版本不足"),
        "cause",
        "the GPU's driver is too old for the service's CUDA",
        "Install a newer NVIDIA driver.",
    ),
    Sign(
        ("no kernel image is available",),
        "cause",
        "the GPU is newer than the service's PyTorch or ONNX Runtime was built for",
        "Use a build for your GPU, or another GPU.",
    ),
    Sign(
        (
            "CUDA out of memory",
            "CUDA error: out of memory",
            "CUDA failure 2: out of memory",
            "OutOfMemoryError",
            "Failed to allocate memory for requested buffer",
            "CUBLAS_STATUS_ALLOC_FAILED",
        ),
        "cause",
        "the GPU's memory was full",
        _GPU_MEMORY,
    ),
    Sign(
        ("Killed", "code 137", "code: 137", "oom-kill"),
        "cause",
        "a process was killed from outside, as the kernel does when memory is full",
        "Give machine, container or WSL more memory; then restart the service.",
        re.compile(r"^\s*Killed\s*$|Killed process \d|code:? 137\b|oom-kill"),
    ),
    Sign(
        ("Segmentation fault", "SIGSEGV", "core dumped", "Bus error", "exited with code 139"),
        "cause",
        "a process crashed in native code",
        "Check that CUDA, driver and packages fit each other (a bus error: enlarge /dev/shm).",
    ),
    Sign(
        ("insufficient shared memory", "unable to open shared memory", "unable to mmap"),
        "cause",
        "shared memory was full",
        "Enlarge it: docker run --shm-size=8g.",
    ),
    Sign(
        ("No space left on device",),
        "cause",
        "the disk was full",
        "Make room where temporary files and results are written.",
    ),
    Sign(
        ("No module named",),
        "cause",
        "the Python package {0} is missing",
        "Install it in the service's environment; then restart the service.",
        re.compile(r"No module named '?([\w.]+)"),
    ),
    Sign(
        ("存在多人脸",),
        "cause",
        "the clip shows more than one face, which ends the task",
        _INPUT,
    ),
    Sign(("侧脸检测不通过",), "note", "a face turned away counts as no face in that frame"),
    Sign(
        ("format video error", "format audio error"),
        "cause",
        "ffmpeg could not convert the {0} of the task",
        _INPUT,
        re.compile("format (video|audio) error"),
    ),
    Sign(
        ("音频下载失败", "视频下载失败"),
        "cause",
        "the sound (音频) or the clip (视频) could not be fetched",
        "Check that the service reaches the address or path.",
    ),
    Sign(("音频特征提取失败",), "cause", "no features could be made of the recording", _INPUT),
    Sign(("预处理失败",), "effect", "the task failed while its files were prepared", _INPUT),
    Sign(
        ("数字人图片处理异常结束", "视频帧队列处理异常结束", "数字人处理失败"),
        "effect",
        "the error was handed on from process to process",
    ),
    Sign(
        ("生成视频失败",),
        "effect",
        "the task got no finished video from its writer in time",
        RESTART,
    ),
    Sign(
        ("[no final result]",),
        "effect",
        "the task gave up waiting for its result: one of its processes was dead or stuck",
        RESTART,
    ),
    Sign(("任务执行失败",), "effect", "the task was reported as failed"),
)


def sign_of(text: str) -> tuple[Sign, str] | None:
    """The first sign that a line holds, and what it means there."""
    for sign in SIGNS:
        if meaning := sign.meaning(text):
            return sign, meaning
    return None
