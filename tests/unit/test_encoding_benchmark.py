"""The figures by which the codecs' defaults are chosen."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from benchmarks.encoding import rows, score, ssim
from orchestrator.media.encoders import Encoding
from orchestrator.media.frames import read_frames
from orchestrator.media.info import probe_video
from tests.unit.media.making import Clip, make_video, numbered_luma


def test_similarity_is_that_of_the_paper() -> None:
    luma = numbered_luma(5).astype(np.float32)
    noisy = luma + np.random.default_rng(0).normal(0, 8, luma.shape).astype(np.float32)
    # Borders differ: scikit-image leaves them out of its mean.
    theirs = structural_similarity(  # type: ignore[no-untyped-call]
        luma, noisy, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(luma, noisy, 255) == pytest.approx(theirs, abs=0.02)
    assert ssim(luma, luma, 255) == pytest.approx(1)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le"])
def test_a_lower_crf_scores_better_and_larger(tmp_path: Path, pix_fmt: str) -> None:
    info = probe_video(make_video(tmp_path / "clip.mp4", Clip(count=6, pix_fmt=pix_fmt)))
    frames = [frame.planes for frame in islice(read_frames(info), 6)]
    fine, coarse = (score(info, frames, Encoding(crf=crf)) for crf in (10, 40))
    assert fine.psnr > coarse.psnr + 6
    assert fine.ssim > coarse.ssim
    assert fine.kilobits_per_s > coarse.kilobits_per_s


def test_the_table_has_a_row_for_every_encoding(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", Clip(count=6))
    encodings = [Encoding("h264", 20, "veryfast"), Encoding("av1", 20, "veryfast")]
    table = list(rows(path, encodings, 3))
    assert "clip.mp4: 96x64, 3 frames" in table[0]
    assert [row.split()[0] for row in table[2:]] == ["h264", "av1"]
