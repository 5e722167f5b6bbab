"""Mandarin syllables out of the diphones of Festival's English, Italian, Czech and Finnish voices.

Debian has one engine that reads Mandarin. So that more voices speak its syllables, phones are
spelled in the symbols of a foreign voice and given the durations and tones of Mandarin; the labels
are those of the sounds that the voice makes.
"""

from collections.abc import Iterator

import numpy as np

from export.builtin.wenet.engines.festival import BATCH, Speech, speak
from export.builtin.wenet.pinyin import Syllable, random_syllables
from export.builtin.wenet.utterances import Utterance

_CONSONANT_S, _VOWEL_S, _CODA_S, _PAUSE_S = 0.085, 0.15, 0.075, 0.20
_BREAK_SHARE = 0.06

# Pitch at the start and the end of a syllable, relative to the voice's own.
_TONES = ((1.25, 1.25), (0.95, 1.25), (0.85, 0.75), (1.35, 0.80), (0.95, 0.90))


def _spelling(text: str) -> dict[str, str]:
    pairs = (item.split("=") for item in text.split())
    return {sound: symbols.replace("+", " ") for sound, symbols in pairs}


_ENGLISH = _spelling(
    "b=b p=p m=m f=f d=d t=t n=n l=l g=g k=k h=hh j=jh q=ch x=sh zh=jh ch=ch sh=sh r=zh z=d+z c=t+s"
    " s=s a=aa o=ao e=ah ai=ay ei=ey ao=aw ou=ow an=aa+n en=ah+n ang=aa+ng eng=ah+ng ong=uh+ng"
    " -i=ih i=iy ia=y+aa iao=y+aw ie=y+eh iu=y+ow ian=y+eh+n in=iy+n iang=y+aa+ng ing=iy+ng"
    " iong=y+uh+ng u=uw ua=w+aa uo=w+ao uai=w+ay ui=w+ey uan=w+aa+n un=w+ah+n uang=w+aa+ng ü=y+uw"
    " üe=y+eh üan=y+eh+n ün=iy+n"
)
_ITALIAN = _spelling(
    "b=b p=p m=m f=f d=d t=t n=n l=l g=g k=k h=k j=dZ q=tS x=S zh=dZ ch=tS sh=S r=r z=dz c=ts s=s"
    " a=a1 o=O1 e=e1 ai=a1+i ei=e1+i ao=a1+o ou=o1+u an=a1+n en=e1+n ang=a1+n eng=e1+n ong=o1+n"
    " -i=i1 i=i1 ia=j+a1 iao=j+a1+o ie=j+E1 iu=j+o1+u ian=j+E1+n in=i1+n iang=j+a1+n ing=i1+n"
    " iong=j+o1+n u=u1 ua=w+a1 uo=w+O1 uai=w+a1+i ui=w+e1+i uan=w+a1+n un=w+e1+n uang=w+a1+n"
    " ü=j+u1 üe=j+E1 üan=j+E1+n ün=i1+n"
)
_CZECH = _spelling(
    "b=b p=p m=m f=f d=d t=t n=n l=l g=g k=k h=ch j=c~ q=c~ x=s~ zh=c~ ch=c~ sh=s~ r=z~ z=c c=c s=s"
    " a=a: o=o: e=e ai=a+j ei=e+j ao=a+u ou=o+u an=a+n en=e+n ang=a+n eng=e+n ong=u+n -i=i i=i:"
    " ia=j+a: iao=j+a+u ie=j+e: iu=j+o+u ian=j+e+n in=i+n iang=j+a+n ing=i+n iong=j+u+n u=u:"
    " ua=u+a uo=u+o uai=u+a+j ui=u+e+j uan=u+a+n un=u+e+n uang=u+a+n ü=i+u üe=i+e üan=i+e+n ün=i+n"
)
_FINNISH = _spelling(
    "b=p p=p+h m=m f=f d=t t=t+h n=n l=l g=k k=k+h h=h j=t+s q=t+s x=s zh=t+s ch=t+s sh=s r=r z=t+s"
    " c=t+s s=s a=a o=o e=7 ai=a+i ei=e+i ao=a+u ou=o+u an=a+n en=e+n ang=a+N eng=e+N ong=u+N"
    " -i=i i=i ia=j+a iao=j+a+u ie=j+e iu=j+o+u ian=j+e+n in=i+n iang=j+a+N ing=i+N iong=j+u+N"
    " u=u ua=u+a uo=u+o uai=u+a+i ui=u+e+i uan=u+a+n un=u+e+n uang=u+a+N ü=y üe=y+e üan=y+&+n"
    " ün=y+n"
)
SPELLINGS: dict[str, dict[str, str]] = {
    "kal_diphone": _ENGLISH,
    "ked_diphone": _ENGLISH,
    "lp_diphone": _ITALIAN,
    "pc_diphone": _ITALIAN,
    "czech_dita": _CZECH,
    "czech_krb": _CZECH,
    "czech_machac": _CZECH,
    "czech_ph": _CZECH,
    "hy_fi_mv_diphone": _FINNISH,
    "suo_fi_lj_diphone": _FINNISH,
}
_CODAS = ("n", "ng", "N")


def utterances(voice: str, _texts: Iterator[str], rng: np.random.Generator) -> Iterator[Utterance]:
    """Speak random Mandarin syllables with a voice in `SPELLINGS`.

    Raises:
        InputError: Festival or the voice is missing.
    """
    while True:
        yield from speak(voice, [_chant(voice, random_syllables(rng), rng) for _ in range(BATCH)])


def _chant(voice: str, syllables: list[Syllable], rng: np.random.Generator) -> Speech:
    silence = "pau" if SPELLINGS[voice] is _ENGLISH else "#"
    pitch_hz, pace = float(rng.uniform(90, 200)), float(rng.uniform(0.75, 1.3))
    parts = [f"({silence} {_PAUSE_S})"]
    for syllable in syllables:
        parts += _phones(SPELLINGS[voice], syllable, pitch_hz, pace, rng)
        if rng.random() < _BREAK_SHARE:
            parts.append(f"({silence} {rng.uniform(0.08, 0.4):.3f})")
    parts.append(f"({silence} {_PAUSE_S})")
    return Speech(f"(quote (Utterance Segments ({' '.join(parts)})))")


def _phones(
    spelling: dict[str, str],
    syllable: Syllable,
    pitch_hz: float,
    pace: float,
    rng: np.random.Generator,
) -> list[str]:
    """Write one syllable as Festival's (symbol seconds (seconds-into-it hertz) …)."""
    first, last = _TONES[int(rng.integers(len(_TONES)))]
    onset = spelling[syllable.initial].split() if syllable.initial else []
    rhyme = spelling[syllable.final].split()
    length = rng.uniform(0.8, 1.25)
    parts = [f"({symbol} {_CONSONANT_S / len(onset) * pace:.3f})" for symbol in onset]
    bodies = [symbol for symbol in rhyme if symbol not in _CODAS]
    for place, symbol in enumerate(bodies):
        seconds = _VOWEL_S * (1.4 if len(bodies) > 1 else 1.0) / len(bodies) * pace * length
        start_hz = pitch_hz * (first + (last - first) * place / len(bodies))
        end_hz = pitch_hz * (first + (last - first) * (place + 1) / len(bodies))
        targets = f"(0 {start_hz:.0f}) ({seconds * 0.95:.3f} {end_hz:.0f})"
        parts.append(f"({symbol} {seconds:.3f} {targets})")
    parts += [f"({symbol} {_CODA_S * pace:.3f})" for symbol in rhyme[len(bodies) :]]
    return parts
