"""What the speech encoder learns from: sentences, files, the plan, and Mandarin syllables."""

import itertools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from client.errors import InputError
from export.builtin.wenet import synthesise, text
from export.builtin.wenet import utterances as store
from export.builtin.wenet.engines import chant, espeak, festival, flite
from export.builtin.wenet.phones import INDEX, PHONES
from export.builtin.wenet.pinyin import SYLLABLES, random_syllables
from export.builtin.wenet.synthesise import Batch, plan
from export.builtin.wenet.text import sentences, sentences_in
from export.builtin.wenet.utterances import Segment, Utterance

RATE_HZ = 16_000
A, SIL = INDEX["a"], INDEX["sil"]
VOWELS = frozenset(range(INDEX["i"], len(PHONES)))  # they come last
FESTIVAL_VOICES = Path("/usr/share/festival/voices")

# Of a Mandarin dictionary's syllables, one or two for every final, and what looks like some.
REAL = (
    "ba fo de zai fei hao zhou ran ben shang leng zhong zhi si yi jia yao xie you dian lin xiang "
    "ying qiong wu zhua wo huai gui wei chuan wen kuang nü lü ju que yuan jun lüe a e ai an en"
)
UNREAL = "bong fi fai jang gi kian sho shong zhia jü qü xüe yü bua nun dua fao tou1 ng uo iu ü"


def test_sentences_are_prose_and_not_code() -> None:
    passage = "The file is read in one go. SEE ALSO foo(1). x = y[0]; It then says what it found."
    assert list(sentences_in(passage)) == [
        "The file is read in one go.",
        "It then says what it found.",
    ]


def test_no_sentence_is_both_trained_and_tested_on(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["cat", "dog", "fox", "hen", "owl", "pig", "rat", "yak"]
    pairs = list(itertools.permutations(names, 2))
    once = "\n\n".join(f"The {one} saw how the {other} ran away." for one, other in pairs)
    again = once.lower().replace(" saw how", ", saw how")  # the same words, written otherwise
    monkeypatch.setattr(text, "_passages", lambda: iter([once, again]))
    train, test = sentences()
    words = [" ".join(re.findall(r"[a-z]+", sentence.lower())) for sentence in train + test]
    assert len(words) == len(set(words)) == len(pairs)
    assert 0 < len(test) < len(pairs) / 4


def test_utterances_come_back_from_their_file_as_they_were(tmp_path: Path) -> None:
    first = Utterance(np.array([1, -2, 3], np.int16), [Segment(0.0, 0.5, A, True)], "one")
    second = Utterance(np.array([4], np.int16), [Segment(0.0, 0.25, SIL, False)], "two")
    store.save(tmp_path / "new" / "speech.npz", [first, second])
    back = list(store.load(tmp_path / "new" / "speech.npz"))
    assert [(u.samples.tolist(), u.segments, u.voice) for u in back] == [
        ([1, -2, 3], first.segments, "one"),
        ([4], second.segments, "two"),
    ]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["speech.npz"]


def test_every_voice_of_every_engine_is_trained_on() -> None:
    trained = {(batch.engine, batch.voice) for batch in plan() if not batch.test}
    assert {voice for engine, voice in trained if engine == "flite"} == {
        "slt",
        "rms",
        "awb",
        "kal16",
    }
    assert {voice for engine, voice in trained if engine == "festival"} == set(festival.TABLES)
    assert {voice for engine, voice in trained if engine == "chant"} == set(chant.SPELLINGS)
    assert {voice for engine, voice in trained if engine == "espeak"} == {"all", "mandarin"}


def test_the_plan_is_twenty_hours_and_half_an_hour_of_test_speech() -> None:
    hours = {
        test: sum(batch.minutes for batch in plan() if batch.test == test) / 60
        for test in (False, True)
    }
    assert hours[False] == pytest.approx(20, abs=0.5)
    assert hours[True] == pytest.approx(0.5, abs=0.1)


def test_batches_of_the_plan_do_not_share_files() -> None:
    paths = [batch.path for batch in plan()]
    assert len(set(paths)) == len(paths)
    assert {path.parts[0] for path in paths if path.stem.startswith("flite")} == {"train", "test"}


def test_espeak_is_tested_in_variants_that_are_never_trained_on() -> None:
    variants = {name: set(chosen) for name, (_, chosen) in espeak._CHOICES.items()}
    tested = variants["english"] | variants["pinyin"]
    assert tested
    assert tested.isdisjoint(variants["all"] | variants["mandarin"])


def test_test_speech_is_made_of_test_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[bool, list[str]]] = []

    def remember(batch: Batch, _folder: Path, texts: list[str]) -> None:
        made.append((batch.test, texts))

    monkeypatch.setattr(synthesise, "sentences", lambda: (["train"], ["test"]))
    monkeypatch.setattr(synthesise, "_attempt", remember)
    with pytest.raises(InputError, match="install the engines"):  # nothing was made
        synthesise.synthesise(tmp_path)
    assert len(made) == len(plan())
    assert all(texts == (["test"] if test else ["train"]) for test, texts in made)


@pytest.mark.parametrize("spelling", REAL.split())
def test_a_syllable_that_exists_is_spoken(spelling: str) -> None:
    assert spelling in {syllable.spelling for syllable in SYLLABLES}


@pytest.mark.parametrize("spelling", UNREAL.split())
def test_a_syllable_that_does_not_exist_is_not_spoken(spelling: str) -> None:
    assert spelling not in {syllable.spelling for syllable in SYLLABLES}


def test_there_are_as_many_syllables_as_a_dictionary_has() -> None:
    spellings = {syllable.spelling for syllable in SYLLABLES}
    assert len(spellings) == len(SYLLABLES)
    assert 380 <= len(spellings) <= 415


def test_a_syllable_knows_its_parts() -> None:
    parts = {syllable.spelling: (syllable.initial, syllable.final) for syllable in SYLLABLES}
    assert parts["ju"] == ("j", "ü")
    assert parts["zhu"] == ("zh", "u")
    assert parts["zhi"] == ("zh", "-i")
    assert parts["ji"] == ("j", "i")
    assert parts["yun"] == ("", "ün")


def test_random_syllables_are_all_spoken_sooner_or_later() -> None:
    rng = np.random.default_rng(0)
    drawn = [random_syllables(rng) for _ in range(500)]
    assert {len(line) for line in drawn} == set(range(5, 18))
    assert {syllable for line in drawn for syllable in line} == set(SYLLABLES)


def test_espeak_reads_syllables_with_their_tones() -> None:
    rng = np.random.default_rng(0)
    words = " ".join(espeak._pinyin(rng) for _ in range(50)).split()
    tones = {word[-1] for word in words}
    assert tones == set("12345")
    assert {word[:-1] for word in words} <= {syllable.spelling for syllable in SYLLABLES}


@pytest.mark.parametrize("voice", chant.SPELLINGS)
def test_a_chanting_voice_has_a_spelling_for_every_initial_and_final(voice: str) -> None:
    parts = {syllable.initial for syllable in SYLLABLES} | {
        syllable.final for syllable in SYLLABLES
    }
    assert parts - {""} == set(chant.SPELLINGS[voice])


@pytest.mark.parametrize("voice", chant.SPELLINGS)
def test_a_chanting_voice_is_spelled_in_its_own_symbols(voice: str) -> None:
    spelled = {symbol for part in chant.SPELLINGS[voice].values() for symbol in part.split()}
    assert spelled <= set(festival.TABLES[voice])


@pytest.mark.parametrize("voice", chant.SPELLINGS)
def test_a_chanting_voice_shuts_its_lips_and_opens_its_mouth_where_mandarin_does(
    voice: str,
) -> None:
    table, spelling = festival.TABLES[voice], chant.SPELLINGS[voice]
    for initial, name in (("b", "PB"), ("p", "PB"), ("m", "M"), ("f", "FV")):
        assert table[spelling[initial].split()[0]].phones == (INDEX[name],)
    for final in {syllable.final for syllable in SYLLABLES}:
        assert VOWELS & {
            phone for symbol in spelling[final].split() for phone in table[symbol].phones
        }


def chanted(voice: str, monkeypatch: pytest.MonkeyPatch) -> list[festival.Speech]:
    """What Festival is asked to say in one batch, without asking it."""
    asked: list[festival.Speech] = []

    def speak(_voice: str, speeches: list[festival.Speech]) -> Iterator[Utterance]:
        asked.extend(speeches)
        yield Utterance(np.zeros(1, np.int16), [], "")

    monkeypatch.setattr(chant, "speak", speak)
    next(chant.utterances(voice, iter(()), np.random.default_rng(0)))
    return asked


@pytest.mark.parametrize("voice", chant.SPELLINGS)
def test_a_chant_is_a_list_of_timed_symbols_and_pitches(
    voice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = chanted(voice, monkeypatch)
    assert len(asked) == festival.BATCH
    for speech in asked:
        assert speech.form.count("(") == speech.form.count(")")
        inside = re.fullmatch(r"\(quote \(Utterance Segments \((.*)\)\)\)", speech.form)
        assert inside
        timed = re.findall(r"\((\S+) ([\d.]+)((?: \([\d.]+ \d+\))*)\)", inside[1])
        assert " ".join(f"({symbol} {s}{targets})" for symbol, s, targets in timed) == inside[1]
        assert timed[0][0] == timed[-1][0]
        assert festival.TABLES[voice][timed[0][0]].phones == (SIL,)
        assert all(0.02 < float(seconds) < 0.5 for _, seconds, _ in timed)
        assert {symbol for symbol, _, _ in timed} <= set(festival.TABLES[voice])


def test_the_pitch_of_a_chant_moves_within_its_vowels(monkeypatch: pytest.MonkeyPatch) -> None:
    falls = 0
    for speech in chanted("kal_diphone", monkeypatch):
        for _, seconds, start_hz, end_s, end_hz in re.findall(
            r"\((\S+) ([\d.]+) \(0 (\d+)\) \(([\d.]+) (\d+)\)\)", speech.form
        ):
            assert float(end_s) <= float(seconds)
            assert 60 < int(end_hz) < 300
            falls += int(end_hz) < int(start_hz)
    assert falls > 0


def has_festival_voice(voice: str) -> bool:
    return shutil.which("festival") is not None and any(FESTIVAL_VOICES.glob(f"*/{voice}"))


@pytest.mark.skipif(
    not has_festival_voice("kal_diphone"), reason="festival and festvox-kallpc16k are not installed"
)
def test_festival_speaks_a_chant_with_the_sounds_where_they_were_put() -> None:
    form = (
        "(quote (Utterance Segments ((pau 0.2) (b 0.1) (aa 0.3 (0 120) (0.28 100)) (n 0.1)"
        " (pau 0.2))))"
    )
    (utterance,) = festival.speak("kal_diphone", [festival.Speech(form)])
    said = " ".join(PHONES[segment.phone] for segment in utterance.segments)
    assert said == "sil PB a N sil"
    starts_s = [segment.start_s for segment in utterance.segments]
    np.testing.assert_allclose(starts_s, [0, 0.2, 0.3, 0.6, 0.7], atol=0.02)
    vowel = utterance.samples[int(0.35 * RATE_HZ) : int(0.55 * RATE_HZ)].astype(float)
    pause = utterance.samples[: int(0.15 * RATE_HZ)].astype(float)
    assert vowel.std() > 20 * pause.std()


@pytest.mark.skipif(
    not has_festival_voice("kal_diphone"), reason="festival and festvox-kallpc16k are not installed"
)
def test_festival_leaves_out_what_it_cannot_say() -> None:
    said = "(quote (Utterance Segments ((pau 0.2) (aa 0.3 (0 120)) (pau 0.2))))"
    forms = ["(no_such_function)", said, said.replace("aa", "no_such_phone")]
    (utterance,) = festival.speak("kal_diphone", [festival.Speech(form) for form in forms])
    assert [PHONES[segment.phone] for segment in utterance.segments] == ["sil", "a", "sil"]


def test_a_missing_synthesiser_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="festival"):
        next(chant.utterances("kal_diphone", iter(()), rng))
    with pytest.raises(InputError, match="flite"):
        next(flite.utterances("slt", iter(["Hello."]), rng))
