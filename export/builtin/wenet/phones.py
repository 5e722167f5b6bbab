"""Phone classes, their mouth shapes, and the symbol tables of every synthesis engine."""

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_PHONES = "sil PB M FV TH TD N SZ L R SH KG NG H W J i I e E ae a schwa O o u U y"
PHONES = tuple(_PHONES.split())
INDEX: dict[str, int] = {name: index for index, name in enumerate(PHONES)}
SILENCE = INDEX["sil"]
STOPS = frozenset(INDEX[name] for name in ("PB", "TD", "KG"))
LIPS_SHUT = frozenset(INDEX[name] for name in ("PB", "M"))

# Classes that look alike on the lips share a group: the measure that matters for lip sync.
_LOOKALIKES = (
    "sil", "PB M", "FV", "TH TD N L", "SZ", "R", "SH", "KG NG H", "W u U y", "J i I",
    "e E schwa", "ae a", "O o",
)  # fmt: skip
GROUP_OF = np.array(
    [next(g for g, names in enumerate(_LOOKALIKES) if name in names.split()) for name in PHONES]
)

# Opening 0..1, width (spread) -1..1 and rounding 0..1 of a steady sound of each class.
_MOUTH_SHAPES: dict[str, tuple[float, float, float]] = {
    "sil": (0, 0, 0), "PB": (0, 0, 0.05), "M": (0, 0, 0.05), "FV": (0.08, 0.1, 0),
    "TH": (0.18, 0.1, 0), "TD": (0.16, 0.1, 0), "N": (0.18, 0.1, 0), "SZ": (0.12, 0.3, 0),
    "L": (0.25, 0, 0), "R": (0.2, 0, 0.4), "SH": (0.16, 0, 0.5), "KG": (0.22, 0, 0),
    "NG": (0.2, 0, 0), "H": (0.3, 0, 0), "W": (0.12, 0, 1), "J": (0.15, 0.5, 0),
    "i": (0.2, 0.8, 0), "I": (0.28, 0.4, 0), "e": (0.36, 0.5, 0), "E": (0.48, 0.3, 0),
    "ae": (0.65, 0.3, 0), "a": (0.8, 0, 0), "schwa": (0.36, 0, 0), "O": (0.58, 0, 0.5),
    "o": (0.42, 0, 0.7), "u": (0.18, 0, 1), "U": (0.25, 0, 0.7), "y": (0.15, 0, 0.9),
}  # fmt: skip
MOUTH_SHAPES: NDArray[np.float32] = np.array([_MOUTH_SHAPES[name] for name in PHONES], np.float32)


class Sound(NamedTuple):
    """What one engine symbol stands for: one or more phone classes spoken in equal shares."""

    phones: tuple[int, ...]
    voiced: bool


SymbolTable = dict[str, Sound]


def _table(classes: dict[str, str], sequences: dict[str, str], voiceless: str) -> SymbolTable:
    """Build a symbol table from class -> symbols and symbol -> several classes."""
    spelled = {symbol: name for name, symbols in classes.items() for symbol in symbols.split()}
    silent = set(voiceless.split())
    return {
        symbol: Sound(
            tuple(INDEX[name] for name in names.split()),
            names != "sil" and symbol not in silent,
        )
        for symbol, names in (spelled | sequences).items()
    }


US_ENGLISH = _table(
    {
        "sil": "pau h# brth # ssil", "PB": "b p", "M": "m em", "FV": "f v", "TH": "th dh",
        "TD": "t d dx", "N": "n en nx", "SZ": "s z", "L": "l", "R": "r", "SH": "sh zh",
        "KG": "k g", "NG": "ng eng", "H": "hh hv", "W": "w", "J": "y", "i": "iy", "I": "ih",
        "E": "eh", "ae": "ae", "a": "aa ah", "schwa": "ax axr er", "O": "ao", "u": "uw",
        "U": "uh",
    },
    {
        "el": "schwa L", "ch": "TD SH", "jh": "TD SH", "ey": "e I", "ow": "o U", "ay": "a I",
        "aw": "a U", "oy": "O I",
    },
    "p f th t s sh ch k hh",
)  # fmt: skip

ITALIAN = _table(
    {
        "sil": "# _", "PB": "p b", "M": "m", "FV": "f v", "TD": "t d", "N": "n nf ng J",
        "SZ": "s z", "L": "l L", "R": "r", "SH": "S SS Z", "KG": "k g", "W": "w", "J": "j",
        "i": "i i1", "e": "e e1", "E": "E E1", "a": "a a1", "O": "O O1", "o": "o o1", "u": "u u1",
    },
    {"ts": "TD SZ", "dz": "TD SZ", "tS": "TD SH", "dZ": "TD SH"},
    "p f t s S SS k ts tS",
)  # fmt: skip

CZECH = _table(
    {
        "sil": "# _", "PB": "b p", "M": "m", "FV": "f v", "TD": "t d t~ d~", "N": "n n~",
        "SZ": "s z", "L": "l", "R": "r", "SH": "s~ z~", "KG": "k g ch", "NG": "n*", "H": "h",
        "J": "j", "i": "i:", "I": "i", "E": "e e:", "a": "a a:", "o": "o o:", "u": "u u:",
    },
    {
        "c": "TD SZ", "c~": "TD SH", "dz": "TD SZ", "dz~": "TD SH", "r~": "R SH", "r~*": "R SH",
    },
    "p f t t~ s s~ k ch c c~ r~*",
)  # fmt: skip


def _with_long_symbols(table: SymbolTable) -> SymbolTable:
    """Finnish voices write a long sound as the short symbol and a colon."""
    return table | {f"{symbol}:": sound for symbol, sound in table.items()}


FINNISH = _with_long_symbols(
    _table(
        {
            "sil": "# ##", "PB": "p b", "M": "m", "FV": "f v", "TH": "T D", "TD": "t d",
            "N": "n", "SZ": "s z", "L": "l L", "R": "r", "SH": "S Z", "KG": "k g", "NG": "N",
            "H": "h", "W": "w", "J": "j", "i": "i", "e": "e", "ae": "&", "a": "a",
            "schwa": "@", "o": "o", "u": "u", "y": "y 7",
        },
        {},
        "p f T t s S k h",
    )
)  # fmt: skip

# A doubled letter is a soft consonant; a doubled vowel is a stressed one.
RUSSIAN = _table(
    {
        "sil": "pau", "PB": "p b pp bb", "M": "m mm", "FV": "f v ff vv", "TD": "t d tt dd",
        "N": "n nn", "SZ": "s z ss zz", "L": "l ll", "R": "r rr", "SH": "sh sch zh",
        "KG": "k g h kk gg hh", "J": "j", "i": "ii", "I": "i y yy", "E": "ee e ae",
        "a": "aa a", "schwa": "ay", "o": "oo", "u": "uu u", "U": "ur",
    },
    {"c": "TD SZ", "ch": "TD SH"},
    "p pp f ff t tt s ss sh sch k kk h hh c ch",
)  # fmt: skip

CATALAN = _table(
    {
        "sil": "pau _ #", "PB": "p b", "M": "m", "FV": "f v", "TD": "t d", "N": "n J",
        "SZ": "s z", "L": "l L", "R": "r rr", "SH": "S Z", "KG": "k g", "NG": "N", "W": "w",
        "J": "j y", "i": "i i1", "e": "e e1", "E": "E E1", "a": "a a1", "schwa": "ax",
        "O": "O O1", "o": "o o1", "u": "u u1",
    },
    {},
    "p f t s S k",
)  # fmt: skip

_IPA = _table(
    {
        "PB": "p b ɓ β", "M": "m ɱ", "FV": "f v ʋ ɸ", "TH": "θ ð", "TD": "t d ʈ ɖ ʔ",
        "N": "n ɲ ɳ", "SZ": "s z", "L": "l ɫ ɭ ʎ ɬ", "R": "ɹ r ɾ ʁ ʀ ɻ ɽ", "SH": "ʃ ʒ ɕ ʑ ʂ ʐ",
        "KG": "k ɡ g q c ɟ x χ ɣ ç", "NG": "ŋ", "H": "h ɦ ħ", "W": "w ɥ ʍ", "J": "j ʝ", "i": "i ɨ",
        "I": "ɪ ᵻ ɯ", "e": "e", "E": "ɛ ε", "ae": "æ", "a": "a ɑ ɐ ʌ", "schwa": "ə ɚ ɘ ɵ ɜ ɤ",
        "O": "ɔ ɒ", "o": "o", "u": "u ʉ", "U": "ʊ", "y": "y ʏ ø œ",
    },
    {},
    "p f ɸ θ t ʈ ʔ s ɬ ʃ ɕ ʂ k q c x χ ç h ħ",
)  # fmt: skip


# espeak-ng's pinyin voice writes these in letters of its own.
_PINYIN_SYMBOLS = (("o-", "ɤ"), ("onɡ", "oŋ"), ("i.", "ɪ"), ("i̪", "ɪ"))


def ipa_sounds(symbol: str, language: str) -> list[Sound]:
    """Read one espeak-ng phoneme written in IPA.

    Args:
        symbol: the phoneme, for example ``tʃ`` or ``ɜː``; remarks in brackets are ignored.
        language: espeak-ng's voice name; an English flap ``ɾ`` is a t or d, elsewhere an r.

    Returns:
        One sound for each class in turn, neighbours of one class merged; empty for silence.
    """
    symbol = re.sub(r"\(.*?\)", "", symbol)
    if symbol[:2] in ("s.", "z."):  # pinyin's sh and r
        symbol = "ʃ" if symbol[0] == "s" else "ʒ"
    symbol = symbol.replace("ts.", "tʃ")
    for written, meant in _PINYIN_SYMBOLS:
        symbol = symbol.replace(written, meant)
    if language.startswith("en"):
        symbol = symbol.replace("ɾ", "d")
    sounds: list[Sound] = []
    for letter in symbol:
        sound = _IPA.get(letter)
        if sound and (not sounds or sounds[-1].phones != sound.phones):
            sounds.append(sound)
    return sounds
