"""Frames at a constant rate: every picture once, in order, upright, to the last."""

from fractions import Fraction
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest

from client.errors import MediaError
from orchestrator.media.frames import FrameSource, read_frames
from orchestrator.media.info import probe_video
from orchestrator.media.playback import play
from tests.unit.media.making import (
    HEIGHT,
    WIDTH,
    Clip,
    cut_start,
    make_video,
    move_packets,
    number_in,
    numbered_luma,
    numbers,
    same,
    set_edit,
    set_rotation,
)

LONG_GOP = {"bf": "3", "b-adapt": "0", "sc_threshold": "0", "x264-params": "keyint=250"}
QUARTER_TURN = (0, 1, -1, 0)  # clockwise, as phones write it
HALF_TURN = (-1, 0, 0, -1)
THREE_QUARTER_TURN = (0, -1, 1, 0)


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".avi", ".ts", ".flv"])
def test_a_constant_rate_gives_every_picture_once(
    tmp_path: Path, rate: Fraction, suffix: str
) -> None:
    path = make_video(tmp_path / f"clip{suffix}", Clip(count=50, rate=rate))
    info = probe_video(path)
    assert info.frame_rate == rate
    assert info.frame_count == 50
    assert info.duration_s == 50 / rate
    frames = list(read_frames(info))
    assert numbers(frames) == list(range(50))
    assert [frame.index for frame in frames] == list(range(50))


def test_planes_are_writable_contiguous_and_their_own(tmp_path: Path) -> None:
    info = probe_video(make_video(tmp_path / "clip.mp4"))
    for frame in read_frames(info):
        y, u, v = frame.planes
        assert y.shape == (HEIGHT, WIDTH)
        assert u.shape == v.shape == (HEIGHT // 2, WIDTH // 2)
        for plane in frame.planes:
            assert plane.dtype == np.uint8
            assert plane.flags.c_contiguous
            assert plane.flags.owndata
            plane[:] = 0  # painting one frame must not show in the next
    assert numbers(read_frames(info)) == list(range(20))


def test_a_variable_rate_shows_at_each_instant_the_last_picture(tmp_path: Path) -> None:
    ticks = [0, 40, 80, 120, 240, 280, 400, 440, 480, 520, 640]  # ms; 160, 200, … are missing
    clip = Clip(count=len(ticks), ticks=ticks, time_base=Fraction(1, 1000))
    info = probe_video(make_video(tmp_path / "clip.mkv", clip))
    assert info.frame_rate == 25
    shown = [0, 1, 2, 3, 3, 3, 4, 5, 5, 5, 6, 7, 8, 9, 9, 9, 10]
    assert numbers(read_frames(info)) == shown
    assert info.frame_count == len(shown)


def test_jitter_neither_drops_nor_repeats_pictures(tmp_path: Path) -> None:
    jitter = np.random.default_rng(3).integers(-300, 300, 60)
    ticks = [1000 * number + int(jitter[number]) + 300 for number in range(60)]
    clip = Clip(count=60, ticks=ticks, time_base=Fraction(1, 30000), rate=Fraction(30))
    info = probe_video(make_video(tmp_path / "clip.mp4", clip))
    assert info.frame_rate == 30
    assert numbers(read_frames(info)) == list(range(60))


def test_a_clip_too_slow_for_a_mouth_is_shown_faster(tmp_path: Path) -> None:
    info = probe_video(make_video(tmp_path / "clip.mp4", Clip(count=4, rate=Fraction(5))))
    assert info.frame_rate == 25
    shown = numbers(read_frames(info))
    assert shown == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 5


@pytest.mark.parametrize(
    ("matrix", "quarter_turns"), [(QUARTER_TURN, 3), (HALF_TURN, 2), (THREE_QUARTER_TURN, 1)]
)
def test_rotation_is_applied(
    tmp_path: Path, matrix: tuple[int, int, int, int], quarter_turns: int
) -> None:
    path = make_video(tmp_path / "clip.mp4", Clip(count=3, width=128))
    upright = next(read_frames(probe_video(path)))
    info = probe_video(set_rotation(path, matrix))
    turned = next(read_frames(info))
    assert turned.planes[0].shape == (info.height, info.width)
    for plane, stored in zip(turned.planes, upright.planes, strict=True):
        np.testing.assert_array_equal(plane, np.rot90(stored, quarter_turns))


def test_an_odd_size_loses_its_last_row_and_column(tmp_path: Path) -> None:
    clip = Clip(count=5, width=WIDTH + 1, height=HEIGHT + 3, codec="ffv1")
    info = probe_video(make_video(tmp_path / "clip.mkv", clip))
    assert (info.width, info.height) == (WIDTH, HEIGHT + 2)
    frame = next(read_frames(info))
    assert frame.planes[0].shape == (HEIGHT + 2, WIDTH)
    expected = numbered_luma(0, WIDTH + 1, HEIGHT + 3)[: HEIGHT + 2, :WIDTH]
    np.testing.assert_array_equal(frame.planes[0], expected)


def test_ten_bits_become_eight_for_every_player_without_a_shift(tmp_path: Path) -> None:
    clip = Clip(count=3, codec="ffv1", pix_fmt="yuv420p10le")
    path = make_video(tmp_path / "clip.mkv", clip)
    frame = next(read_frames(probe_video(path, compatible=True)))
    difference = frame.planes[0].astype(int) - numbered_luma(0)
    assert abs(difference).max() <= 1
    assert abs(difference.mean()) < 0.3
    assert abs(frame.planes[1].astype(int) - 110).max() <= 1


def test_full_range_is_kept(tmp_path: Path) -> None:
    clip = Clip(count=2, codec="mjpeg", pix_fmt="yuvj420p", options={"q:v": "1"}, color_range=2)
    info = probe_video(make_video(tmp_path / "clip.avi", clip))
    assert info.full_range
    assert info.chroma_offset == (0.5, 0.5)
    frame = next(read_frames(info))
    assert number_in(frame.planes[0]) == 0


@pytest.mark.parametrize("start", [0, 1, 100, 248, 251, 299])
def test_a_run_is_equal_to_the_same_frames_of_a_whole_read(tmp_path: Path, start: int) -> None:
    path = make_video(tmp_path / "clip.mp4", Clip(count=300, gop=250, options=LONG_GOP))
    info = probe_video(path)
    whole = list(islice(read_frames(info), start, start + 3))
    with FrameSource(info) as source:
        run = list(source.read(range(start, min(start + 3, 300))))
    assert [frame.index for frame in run] == [frame.index for frame in whole]
    assert all(same(a.planes, b.planes) for a, b in zip(run, whole, strict=True))


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_pictures_before_the_start_of_an_edit_list_are_left_out(
    tmp_path: Path, suffix: str
) -> None:
    whole = make_video(tmp_path / "whole.mp4", Clip(count=40, options={"bf": "2"}))
    info = probe_video(cut_start(whole, tmp_path / f"cut{suffix}", Fraction(5, 25)))
    assert info.frame_count == 35
    assert numbers(read_frames(info)) == list(range(5, 40))
    with FrameSource(info) as source:
        assert numbers(source.read(range(3))) == [5, 6, 7]


def test_pictures_after_the_end_of_an_edit_list_are_left_out(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", Clip(count=50, options={"bf": "2"}))
    info = probe_video(set_edit(path, 1024 + 10 * 512, Fraction(1)))
    assert info.frame_count == 25
    assert numbers(read_frames(info)) == list(range(10, 35))
    assert numbers(play(info, 49))[24:] == list(range(34, 9, -1))


def test_a_fragmented_file_is_read_to_its_end(tmp_path: Path) -> None:
    options = {"movflags": "frag_keyframe+empty_moov"}
    clip = Clip(count=50, options={"bf": "2"}, container_options=options)
    info = probe_video(make_video(tmp_path / "clip.mp4", clip))
    assert numbers(play(info, 99)) == [*range(50), *range(48, -1, -1)]


def test_a_matroska_file_without_lengths_and_index_is_read_to_its_end(tmp_path: Path) -> None:
    clip = Clip(count=50, options={"bf": "2"}, container_options={"live": "1"})
    info = probe_video(make_video(tmp_path / "clip.mkv", clip))
    assert numbers(play(info, 99)) == [*range(50), *range(48, -1, -1)]


def test_pictures_of_the_same_time_are_one(tmp_path: Path) -> None:
    apart = make_video(tmp_path / "apart.mkv", Clip(20, codec="mjpeg", pix_fmt="yuvj420p"))
    path = move_packets(apart, tmp_path / "clip.mkv", lambda number: Fraction(-(number > 10), 25))
    info = probe_video(path)
    assert info.frame_count == 19
    assert numbers(read_frames(info)) == [*range(10), *range(11, 20)]


def test_names_may_hold_spaces_other_alphabets_colons_and_percent_signs(tmp_path: Path) -> None:
    folder = tmp_path / "мои видео 100%"
    folder.mkdir()
    path = make_video(tmp_path / "plain.mp4").rename(folder / "说话: клип %03d 'é'.mp4")
    assert numbers(read_frames(probe_video(path))) == list(range(20))


def test_a_relative_name_with_a_colon_is_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_video(tmp_path / "plain.mp4").rename(tmp_path / "take:2.mp4")
    monkeypatch.chdir(tmp_path)
    assert numbers(read_frames(probe_video(Path("take:2.mp4")))) == list(range(20))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_clip_may_start_late(tmp_path: Path, suffix: str) -> None:
    clip = Clip(count=20, ticks=[1000 + 40 * n for n in range(20)], time_base=Fraction(1, 1000))
    info = probe_video(make_video(tmp_path / f"clip{suffix}", clip))
    assert (info.frame_rate, info.frame_count) == (Fraction(25), 20)
    assert numbers(read_frames(info)) == list(range(20))


@pytest.mark.parametrize("start_s", [Fraction(2**33, 90000) - 1, Fraction(95_000)])
def test_the_clock_of_a_transport_stream_may_be_far_on_or_wrap(
    tmp_path: Path, start_s: Fraction
) -> None:
    early = make_video(tmp_path / "early.ts", Clip(count=50, options={"bf": "2"}))
    info = probe_video(move_packets(early, tmp_path / "late.ts", lambda _: start_s))
    assert (info.frame_rate, info.frame_count) == (Fraction(25), 50)
    assert numbers(read_frames(info)) == list(range(50))


def test_transport_streams_put_end_to_end_are_shown_one_after_the_other(tmp_path: Path) -> None:
    one = make_video(tmp_path / "one.ts", Clip(count=30, options={"bf": "2"}))
    both = tmp_path / "both.ts"
    both.write_bytes(one.read_bytes() * 2)
    info = probe_video(both)
    assert (info.frame_rate, info.frame_count) == (Fraction(25), 60)
    there, back = [*range(30)] * 2, [*range(29, -1, -1)] * 2
    assert numbers(play(info, 119)) == there + back[1:]


@pytest.mark.parametrize("tenths", [2, 5, 8])
def test_a_transport_stream_starts_at_its_first_key_frame(tmp_path: Path, tenths: int) -> None:
    path = make_video(tmp_path / "clip.ts", Clip(count=50, options={"bf": "2"}))
    data = path.read_bytes()
    path.write_bytes(data[len(data) * tenths // 10 :])
    shown = numbers(read_frames(probe_video(path)))
    assert shown == list(range(shown[0], 50))
    assert shown[0] % 12 == 0


@pytest.mark.parametrize("tenths", range(2, 10))
def test_a_transport_stream_cut_short_gives_what_is_there(tmp_path: Path, tenths: int) -> None:
    path = make_video(tmp_path / "clip.ts", Clip(count=50, options={"bf": "2"}))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * tenths // 10])
    shown = numbers(read_frames(probe_video(path)))
    assert shown == sorted(shown)
    assert 50 * tenths / 10 - 6 < len(shown) <= 50


def test_damage_in_the_middle_of_a_transport_stream_is_an_error(tmp_path: Path) -> None:
    clip = Clip(count=100, options={"crf": "1"})
    path = make_video(tmp_path / "clip.ts", clip)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(5).bytes(3000)
    path.write_bytes(data)
    with pytest.raises(MediaError, match="damaged"):
        list(read_frames(probe_video(path)))


def test_an_animation_of_one_picture_is_one_frame(tmp_path: Path) -> None:
    info = probe_video(make_video(tmp_path / "one.gif", Clip(1, codec="gif", pix_fmt="gray")))
    assert (info.frame_rate, info.frame_count) == (Fraction(25), 1)


def test_an_interruption_ends_the_frames_between_two_decoded_pictures(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", Clip(count=110, gop=250, options=LONG_GOP))
    asked = count()
    with FrameSource(probe_video(path), interrupted=lambda: next(asked) > 50) as source:
        assert list(source.read(range(100, 110))) == []
        assert source.decoded < 60


def test_closing_early_closes_the_file(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4")
    frames = read_frames(probe_video(path))
    next(frames)
    assert path in _open_files()
    frames.close()
    assert path not in _open_files()


def _open_files() -> set[Path]:
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("this system does not list a process's open files")
    return {link.resolve() for link in descriptors.iterdir()}
