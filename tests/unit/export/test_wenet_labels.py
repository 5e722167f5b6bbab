"""Labels of synthesised speech: symbols, closures, and shares per feature."""

import numpy as np
import pytest

from export.builtin.wenet.labels import close_stops, soft_labels
from export.builtin.wenet.phones import (
    CZECH,
    GROUP_OF,
    INDEX,
    MOUTH_SHAPES,
    PHONES,
    US_ENGLISH,
    ipa_sounds,
)
from export.builtin.wenet.utterances import Segment, segments_from_ends, spread

RATE_HZ = 16_000
A, PB, SIL = INDEX["a"], INDEX["PB"], INDEX["sil"]


def tone_with_gap(gap_start_s: float, gap_end_s: float, length_s: float = 0.6) -> np.ndarray:
    seconds = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    tone = 8000 * np.sin(2 * np.pi * 500 * seconds)
    tone[(seconds >= gap_start_s) & (seconds < gap_end_s)] = 0
    return tone.astype(np.int16)


def vowel_then_stop(stop_s: float, before: int = A) -> list[Segment]:
    return [Segment(0.0, stop_s, before, True), Segment(stop_s, 0.6, PB, False)]


def test_a_stop_takes_the_silence_of_its_closure_from_the_vowel_before() -> None:
    vowel, stop = close_stops(vowel_then_stop(0.40), tone_with_gap(0.32, 0.40), RATE_HZ)
    assert stop.start_s == pytest.approx(0.32, abs=0.003)
    assert vowel.end_s == stop.start_s


def test_an_event_a_little_beside_the_end_of_the_closure_is_repaired_too() -> None:
    for event_s in (0.396, 0.404):
        _, stop = close_stops(vowel_then_stop(event_s), tone_with_gap(0.32, 0.40), RATE_HZ)
        assert stop.start_s == pytest.approx(0.32, abs=0.005)


def test_a_stop_without_silence_stays_where_it_is() -> None:
    segments = vowel_then_stop(0.40)
    assert close_stops(segments, tone_with_gap(0.1, 0.15), RATE_HZ) == segments


def test_a_closure_is_never_longer_than_lips_stay_shut() -> None:
    _, stop = close_stops(vowel_then_stop(0.45), tone_with_gap(0.10, 0.45), RATE_HZ)
    assert stop.start_s == pytest.approx(0.45 - 0.130, abs=0.003)


def test_a_closure_after_a_pause_is_shorter() -> None:
    segments = vowel_then_stop(0.45, before=SIL)
    _, stop = close_stops(segments, tone_with_gap(0.0, 0.45), RATE_HZ)
    assert stop.start_s == pytest.approx(0.45 - 0.070, abs=0.003)


def test_the_phone_before_a_closure_keeps_a_fifth_of_its_time() -> None:
    segments = [
        Segment(0.0, 0.30, SIL, False),
        Segment(0.30, 0.40, A, True),
        Segment(0.40, 0.6, PB, False),
    ]
    _, vowel, _ = close_stops(segments, tone_with_gap(0.28, 0.40), RATE_HZ)
    assert vowel.end_s == pytest.approx(0.32)


def test_only_stops_are_moved() -> None:
    segments = [Segment(0.0, 0.4, A, True), Segment(0.4, 0.6, INDEX["SZ"], False)]
    assert close_stops(segments, tone_with_gap(0.32, 0.40), RATE_HZ) == segments


def test_a_feature_is_labelled_by_the_shares_of_the_phones_in_it() -> None:
    # Output 0 of a window is centred at 42.5 ms, so it covers 22.5 to 62.5 ms.
    segments = [Segment(0.0, 0.0325, A, True), Segment(0.0325, 0.0625, PB, False)]
    phones, voiced = soft_labels(segments, 0.0, 1)
    assert phones[0, A] == pytest.approx(0.25)
    assert phones[0, PB] == pytest.approx(0.75)
    assert voiced[0] == pytest.approx(0.25)


def test_what_is_outside_the_recording_is_silence() -> None:
    phones, voiced = soft_labels([Segment(0.0, 0.2, A, True)], -0.4, 20)
    assert (phones[[0, 5, 19], SIL] == 1).all()
    assert phones[11, A] == pytest.approx(1)
    np.testing.assert_allclose(phones.sum(axis=1), 1, atol=1e-6)
    assert voiced[0] == 0


def test_a_window_that_begins_one_feature_later_has_labels_one_earlier() -> None:
    segments = [Segment(0.1, 0.31, A, True), Segment(0.31, 0.5, PB, False)]
    early, late = soft_labels(segments, 0.0, 20)[0], soft_labels(segments, 0.040, 20)[0]
    np.testing.assert_allclose(early[1:], late[:-1], atol=1e-5)


def test_a_diphthong_is_two_phones_of_half_the_time() -> None:
    segments = spread(1.0, 1.2, [US_ENGLISH["ay"]])
    assert [(s.start_s, PHONES[s.phone]) for s in segments] == [(1.0, "a"), (1.1, "I")]


def test_ends_of_phones_become_segments_without_gaps() -> None:
    ends = [(US_ENGLISH["pau"], 0.1), (US_ENGLISH["m"], 0.2), (US_ENGLISH["aa"], 0.2)]
    assert segments_from_ends(ends) == [
        Segment(0.0, 0.1, SIL, False),
        Segment(0.1, 0.2, INDEX["M"], True),
    ]


@pytest.mark.parametrize(
    ("symbol", "language", "classes"),
    [
        ("tʃ", "en-us", ["TD", "SH"]),
        ("ɾ", "en-us", ["TD"]),
        ("ɾ", "es", ["R"]),
        ("ɜː", "en", ["schwa"]),
        ("aɪ", "en", ["a", "I"]),
        ("s.", "cmn-latn-pinyin", ["SH"]),
        ("z.", "cmn-latn-pinyin", ["SH"]),
        ("ts.h", "cmn-latn-pinyin", ["TD", "SH", "H"]),
        ("ɤ", "cmn-latn-pinyin", ["schwa"]),
        ("o-", "cmn-latn-pinyin", ["schwa"]),
        ("onɡ", "cmn-latn-pinyin", ["o", "NG"]),
        ("i.", "cmn-latn-pinyin", ["I"]),
        ("i̪", "cmn-latn-pinyin", ["I"]),
        ("ɯ", "tr", ["I"]),
        ("(en)", "cmn", []),
    ],
)
def test_ipa_is_read_as_phone_classes(symbol: str, language: str, classes: list[str]) -> None:
    sounds = ipa_sounds(symbol, language)
    assert [PHONES[phone] for sound in sounds for phone in sound.phones] == classes


@pytest.mark.parametrize("symbol", ["ɤ", "ɯ", "o-", "i."])
def test_a_vowel_of_unrounded_lips_is_not_read_as_a_round_one(symbol: str) -> None:
    (sound,) = ipa_sounds(symbol, "cmn-latn-pinyin")
    assert not MOUTH_SHAPES[list(sound.phones), 2].any()


def test_voicing_follows_the_symbol_and_not_its_class() -> None:
    assert US_ENGLISH["b"].phones == US_ENGLISH["p"].phones
    assert US_ENGLISH["b"].voiced
    assert not US_ENGLISH["p"].voiced
    assert not CZECH["ch"].voiced
    assert not US_ENGLISH["pau"].voiced


def test_classes_keep_the_order_of_the_feature_layout() -> None:
    layout = "sil PB M FV TH TD N SZ L R SH KG NG H W J i I e E ae a schwa O o u U y"
    assert " ".join(PHONES) == layout


def test_mouth_shapes_open_for_vowels_and_shut_for_m_b_and_p() -> None:
    opening = dict(zip(PHONES, MOUTH_SHAPES[:, 0], strict=True))
    assert opening["PB"] == opening["M"] == opening["sil"] == 0
    assert opening["a"] == max(opening.values())
    assert MOUTH_SHAPES[INDEX["u"], 2] == 1
    assert MOUTH_SHAPES[:, 1].argmax() == INDEX["i"]


def test_sounds_that_look_alike_share_a_group() -> None:
    assert GROUP_OF[INDEX["PB"]] == GROUP_OF[INDEX["M"]]
    assert GROUP_OF[INDEX["FV"]] not in (GROUP_OF[INDEX["PB"]], GROUP_OF[INDEX["TD"]])
    assert len(set(GROUP_OF.tolist())) == 13
