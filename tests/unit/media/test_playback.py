"""A clip played under a longer recording."""

import tracemalloc
from errno import ENOSPC
from itertools import count, islice
from os import strerror
from pathlib import Path

import pytest

from client.errors import OutputError
from orchestrator.media import backwards
from orchestrator.media.frames import read_frames
from orchestrator.media.info import VideoInfo, probe_video
from orchestrator.media.pixels import Planes
from orchestrator.media.playback import WhenLonger, play, played
from tests.unit.media.making import HEIGHT, WIDTH, Clip, make_video, numbers, same

# One key frame in 250, with B-frames: the hardest clip to play backwards.
LONG_GOP = {"bf": "3", "b-adapt": "0", "sc_threshold": "0", "x264-params": "keyint=250"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    path = tmp_path_factory.mktemp("playback") / "clip.mp4"
    return probe_video(make_video(path, Clip(count=110, gop=250, options=LONG_GOP)))


@pytest.fixture(scope="module")
def pictures(clip: VideoInfo) -> list[Planes]:
    return [frame.planes for frame in read_frames(clip)]


@pytest.fixture
def short(tmp_path: Path) -> VideoInfo:
    return probe_video(make_video(tmp_path / "short.mp4", Clip(count=4)))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("bounce", [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2]),
        ("loop", [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2]),
        ("freeze", [0, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3]),
        ("cut", [0, 1, 2, 3]),
    ],
)
def test_each_mode_shows_these_frames(
    short: VideoInfo, mode: WhenLonger, expected: list[int]
) -> None:
    frames = list(play(short, 11, mode))
    assert numbers(frames) == expected
    assert [frame.index for frame in frames] == expected


@pytest.mark.parametrize("mode", ["bounce", "loop", "freeze", "cut"])
def test_the_order_is_known_without_the_frames(short: VideoInfo, mode: WhenLonger) -> None:
    assert list(islice(played(short, mode), 11)) == numbers(play(short, 11, mode))


@pytest.mark.parametrize("mode", ["bounce", "loop", "freeze", "cut"])
@pytest.mark.parametrize("first", range(12))
def test_playing_may_begin_anywhere(short: VideoInfo, mode: WhenLonger, first: int) -> None:
    assert numbers(play(short, 2, mode, first=first)) == numbers(play(short, 14, mode))[first:][:2]


@pytest.mark.parametrize("mode", ["bounce", "loop", "freeze", "cut"])
def test_a_shorter_recording_ends_the_clip_early(short: VideoInfo, mode: WhenLonger) -> None:
    assert numbers(play(short, 3, mode)) == [0, 1, 2]


def test_bounced_frames_are_equal_to_those_read_forwards(
    clip: VideoInfo, pictures: list[Planes]
) -> None:
    there_and_back = [*range(110), *range(108, -1, -1), *range(1, 30)]
    seen = []
    for frame in play(clip, len(there_and_back), "bounce"):
        assert same(frame.planes, pictures[frame.index])
        seen.append(frame.index)
    assert seen == there_and_back


@pytest.mark.parametrize("suffix", [".mkv", ".mov", ".ts"])
def test_bouncing_is_exact_in_other_containers(tmp_path: Path, suffix: str) -> None:
    options = {"bf": "2", "b-adapt": "0", "sc_threshold": "0"}
    path = make_video(tmp_path / f"clip{suffix}", Clip(count=60, gop=10, options=options))
    info = probe_video(path)
    forwards = [frame.planes for frame in read_frames(info)]
    for frame in play(info, 150, "bounce"):
        assert same(frame.planes, forwards[frame.index])


OPEN_GOP = "open-gop=1:keyint=12:min-keyint=12:scenecut=0:bframes=3"


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"x264-params": OPEN_GOP}),
        ("libx265", {"x265-params": f"{OPEN_GOP}:log-level=none"}),
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_bouncing_is_exact_where_pictures_lean_on_the_next_key_frame(
    tmp_path: Path, suffix: str, codec: str, options: dict[str, str]
) -> None:
    clip = Clip(count=60, codec=codec, options=options)
    info = probe_video(make_video(tmp_path / f"clip{suffix}", clip))
    forwards = [frame.planes for frame in read_frames(info)]
    for frame in play(info, 119, "bounce"):
        assert same(frame.planes, forwards[frame.index])


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        (
            "clip.webm",
            "libvpx",
            {"auto-alt-ref": "1", "lag-in-frames": "16", "deadline": "realtime"},
        ),
        ("clip.webm", "libvpx-vp9", {"lag-in-frames": "16", "deadline": "realtime"}),
        ("clip.mp4", "libsvtav1", {"preset": "12"}),
        ("clip.mp4", "libx265", {"x265-params": "keyint=250:bframes=4:b-pyramid=1:log-level=none"}),
        ("clip.mpg", "mpeg2video", {"bf": "2"}),
        ("clip.avi", "libx264", {"bf": "2"}),
        ("clip.avi", "mpeg4", {"bf": "2"}),
        ("clip.ts", "libx264", {"x264-params": "intra-refresh=1:keyint=20:bframes=0"}),
    ],
)
def test_bouncing_is_exact_with_every_codec(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    clip = Clip(count=60, gop=40, codec=codec, options=options)
    info = probe_video(make_video(tmp_path / name, clip))
    forwards = [frame.planes for frame in read_frames(info)]
    frames = list(play(info, 119, "bounce"))
    assert numbers(frames) == [*range(60), *range(58, -1, -1)]
    assert all(same(frame.planes, forwards[frame.index]) for frame in frames)


def test_long_parts_are_played_backwards_block_by_block(
    clip: VideoInfo, pictures: list[Planes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backwards, "_BLOCK_BYTES", 30 * WIDTH * HEIGHT * 3 // 2)
    frames = list(play(clip, 219, "bounce"))
    assert [frame.index for frame in frames] == [*range(110), *range(108, -1, -1)]
    assert all(same(frame.planes, pictures[frame.index]) for frame in frames)


def test_a_full_temporary_folder_is_told(short: VideoInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(ENOSPC, strerror(ENOSPC))

    monkeypatch.setattr(backwards, "_keep", full)
    frames = play(short, 10, "bounce")
    with pytest.raises(OutputError, match=r"cannot be kept in .* \(No space left on device\)"):
        list(frames)


def test_an_interruption_ends_the_playing(clip: VideoInfo) -> None:
    asked = count()
    frames = list(play(clip, 10**9, "bounce", interrupted=lambda: next(asked) > 1000))
    assert 100 < len(frames) < 1000


def test_painting_a_frame_shows_in_no_other(short: VideoInfo) -> None:
    for mode in ("bounce", "freeze"):
        shown = []
        for frame in play(short, 9, mode):
            shown += numbers([frame])
            for plane in frame.planes:
                plane[:] = 255
        assert shown == [frame.index for frame in play(short, 9, mode)]


def test_memory_does_not_grow_with_the_clip(tmp_path: Path) -> None:
    length, width, height = 200, 480, 320
    clip = Clip(count=length, width=width, height=height, gop=250, options=LONG_GOP)
    info = probe_video(make_video(tmp_path / "clip.mp4", clip))
    frame_bytes = width * height * 3 // 2
    tracemalloc.start()
    try:
        for _ in play(info, 2 * length, "bounce"):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * frame_bytes
