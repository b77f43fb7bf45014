"""What a column holds, by its title: the many spellings that people use, brought to the names of the exercise.

Names are `t1 i1 w1 b1 h1 a_h1 o1 a_o1 E1 E_total dE/dw1 learning_rate epoch`, `new w1` for a weight after its update,
`change w1` for Δw1, and `dX/dY` for any other derivative (dE/da_h1, da_o1/do1, dE1/do1).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

LONGEST = 80
D = "∂"  # one sign for every d of a derivative that cannot be a letter
SIGNS = str.maketrans(
    {
        **dict.fromkeys("δ𝛿𝜕∂∇", D),
        **dict.fromkeys("∆Δ", "Δ"),
        **dict.fromkeys("ɳŋἠη𝜂ƞ", "η"),
        "ð": D,
        "ω": "w",
        "σ": "σ",
        "∑": "σ",
        "ς": "σ",
    }
)
TOTALS = re.compile(
    r"(?:e|err|error|loss|cost|l|j|mse|sse)_?(?:total|tot|totl|toal|tottal|t|tt|ttl|all|sum|overall|avg|mean)?"
    r"|(?:total|tot|sum|net|overall|average|avg|mean)_?(?:of_?)?(?:the_?)?(?:e|err|error|errors|loss|losses|cost)"
    r"|gesamt_?fehler|fehler_?gesamt|verlust|perdida(?:_?total)?|erro(?:r|_?total)|erreur_?totale|total|errors|e1\+e2|σ_?e|(?:mean_?)?squared_?error|loss_?function|global_?error"
)
WEIGHT_WORDS = "w|weight|weights|wt|wgt|gewicht|gew|peso|poids"
ACTIVATED = (
    r"(?:a|ac|act|activ|activated|activation|activation_?of|aktivierung|ausgabe|ausgang"
    r"|out|output|o|sigmoid|sigm|sig|sigma|σ|s|f|g|φ)"
)
SUMMED = r"(?:netz|summe|net|in|sum|z|s|input|weighted_?sum|total|inp)"
RATE_WORDS = (
    r"(?:learning_?rates?|learn_?rate|learing_?rate|leaning_?rate|lerning_?rate|lern_?rate|tasa_?de_?aprendizaje"
    r"|taxa_?de_?aprendiza(?:do|gem)|l_?r|η|eta|α|alpha|rate|step_?size)"
)
RATE = re.compile(rf"(?:the_?|for_?|with_?|when_?)*{RATE_WORDS}(?:_?(?:n|η|eta|lr|α|alpha|l_r))?")
EPOCHS = re.compile(
    r"(?:no_?of_?)?(?:epochs?|iterations?|iter|itr|steps?|n|no|sno|s_no|sl_?no|sr_?no|index|round|#|time|t)"
)

PATTERNS: list[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), name)
    for pattern, name in [
        (
            r"(?:t|tar|tgt|target|targets|expected|actual|true|desired|targeto|target_o|y_true|t_o|ziel|zielwert|soll|sollwert|objetivo|cible)_?(\d)",
            "t",
        ),
        (r"(?:i|inp|input|inputs|x|in|eingabe|eingang|entrada|entree)_?(\d)", "i"),
        (rf"(?:{WEIGHT_WORDS})_?(\d{{1,2}})", "w"),
        (r"(?:b|bias|biases)_?(\d)", "b"),
        (r"(?:b|bias)_?(?:of_?)?h(?:idden)?_?(\d)", "b_h"),
        (r"(?:b|bias)_?(?:of_?)?o(?:ut|utput)?_?(\d)", "b_o"),
        (rf"{ACTIVATED}_?_?(?:of_?)?h(?:idden)?_?(\d)", "a_h"),
        (r"h_?(\d)_?(?:a|act|activated|activation|out|output|sigmoid)", "a_h"),
        (rf"{ACTIVATED}_?_?(?:of_?)?(?:o|0|out|output)_?(\d)", "a_o"),
        (r"(?:o|out)_?(\d)_?(?:a|act|activated|activation|out|output|sigmoid)", "a_o"),
        (r"(?:pred|prediction|predicted|y_?hat|ŷ|y_pred)_?(\d)", "a_o"),
        (rf"(?:{SUMMED}_?)?(?:h|hidden)_?(\d)(?:_?(?:net|in|sum|input|z))?", "h"),
        (rf"(?:{SUMMED}_?)?(?:o|out|output)_?(\d)(?:_?(?:net|in|sum|input|z))?", "o"),
        (r"(?:e|err|error|loss|l|cost|j|fehler|erreur)_?(?:of_?)?(?:o|0|out)?_?(\d)", "E"),
    ]
]
WEIGHT = rf"({WEIGHT_WORDS}|(?:b|bias)(?:_?[ho])?)_?(\d{{1,2}})"
DELTA = re.compile(rf"(?:delta|{D}|error_?(?:term|signal))_?(?:of_?|at_?)?(?:h(?:idden)?|(o)(?:ut|utput)?)_?(\d)")
NUMERATORS = [(re.compile(r"e_?(\d)|error_?(\d)|e_?o_?(\d)"), "E")]


@lru_cache(maxsize=20_000)
def quantity(title: str) -> str | None:
    """The exercise's name of what a title says, or None."""
    if len(title) > LONGEST:
        title = re.split("[=:]", title)[0]  # a title that writes out the formula
    if len(title) > LONGEST:
        return None
    text = plain(title)
    found = named(text)
    if found is None and ("=" in text or ":" in text):
        found = named(re.split(r"[=:]", text)[0].strip("_"))
    if found is None and "(" in title:  # "dE/dw1 (gradient)", "E1 (½(t1 − a_o1)²)"
        found = named(plain(re.sub(r"\(.*", "", title)))
    return found


def plain(title: str) -> str:
    """A title in lower case without brackets, spaces and decoration; words are joined by "_"."""
    if not re.search("[/∕⁄÷]", title):  # "Δw1" is a change; "ΔE/Δw1" is meant as a derivative
        title = re.sub("[Δ∆]", "delta ", title)
    text = unicodedata.normalize("NFKC", title.translate(SIGNS)).translate(SIGNS).lower()
    text = re.sub("[∕⁄÷]", "/", text.translate(SIGNS)).replace("′", "'").replace("\\partial", D).replace("\\", "")
    text = re.sub(r"\bpartial\b|\bdel\b", D, text)
    text = re.sub(r"[\s_()\[\]{}$`^*,;·.]+", "_", text).strip("_-–:=")
    return re.sub(r"_*([/'+=])_*", r"\1", text)


def named(text: str) -> str | None:
    if not text:
        return None
    for wanted in (plain_name, new_weight, derivative):
        if found := wanted(text):
            return found
    if delta := DELTA.fullmatch(text):
        return f"dE/d{delta[1] or 'h'}{int(delta[2])}"
    if RATE.fullmatch(text):
        return "learning_rate"
    if TOTALS.fullmatch(text):
        return "E_total"
    return "epoch" if EPOCHS.fullmatch(text) else None


def plain_name(text: str) -> str | None:
    for pattern, name in PATTERNS:
        if found := pattern.fullmatch(text):
            number = int(found[1])
            return f"{name}{number}" if number else None
    return None


def new_weight(text: str) -> str | None:
    """ "new w1", "w1_new", "w1'", "w1+" and "updated w1"; "Δw1" is the change."""
    if found := re.fullmatch(rf"(?:new|updated|upd|next|final)_?{WEIGHT}", text):
        return f"new {letter(found[1])}{int(found[2])}"
    if found := re.fullmatch(rf"{WEIGHT}_?(?:new|updated|upd|next|n|\+|'|\+1|t\+1)", text):
        return f"new {letter(found[1])}{int(found[2])}"
    if found := re.fullmatch(rf"(?:Δ|δ|delta|change_?(?:in|of)?)_?{WEIGHT}", text):
        return f"change {letter(found[1])}{int(found[2])}"
    return None


def letter(kind: str) -> str:
    """w of "weight", b of "bias", b_h of "bias h"."""
    return "w" if kind[0] != "b" else f"b_{kind[-1]}" if kind[-1] in "ho" else "b"


GRADIENT = re.compile(
    r"(?:(?:grad|gradient|gradients|slope|deriv|derivative|ableitung|partial)_?(?:of_?|e_?|wrt_?|for_?)*|g_?)(?:d|∂)?_?"
    rf"{WEIGHT}|{WEIGHT}_?(?:grad|gradient)|[d{D}]_?([wb])_?(\d{{1,2}})"
)


def derivative(text: str) -> str | None:
    """The name of "∂E_t/∂w1", "dE_dw1", "dw1", "grad w1", "dE(total)/dao1", "da_o1/do1"."""
    if found := GRADIENT.fullmatch(text):
        kind, number = filter(None, found.groups())
        return f"dE/d{letter(kind)}{int(number)}"
    above, slash, below = text.partition("/")
    if not slash:
        found = re.fullmatch(rf"([d{D}]_?[a-z0-9_]*?)_?(?:by_?|wrt_?)?([d{D}]_?[a-z]+[a-z0-9_]*)", text)
        if not found:
            return None
        above, below = found.groups()
    over, under = part(above), part(below)
    if over is None or under is None or over == under or not has_d(above, below):
        return None
    return f"d{over}/d{under}"


def has_d(above: str, below: str) -> bool:
    """Whether at least one of the two is written with a d: "E/w1" is none without."""
    return above[:1] in ("d", D) or below[:1] in ("d", D) or D in above + below


def part(text: str) -> str | None:
    """What stands over or under the stroke, without its d; E stands for the total. A d alone stands for dE."""
    text = re.sub(rf"^[d{D}]_?", "", text.strip("_"))
    if text == "":
        return "E"
    for pattern, name in NUMERATORS:
        if found := pattern.fullmatch(text):
            return f"{name}{next(filter(None, found.groups()))}"
    if TOTALS.fullmatch(text) or text in ("t", "c", "cost"):
        return "E"
    return plain_name(text)


NUMBER = re.compile(r"(?<![\w.,])-?\d*[.,]?\d+(?:e-?\d+)?%?(?![\w])", re.IGNORECASE)
RATE_START = re.compile(rf"(?:.*[\s_(\[:,–-])?{RATE_WORDS.replace('_?', '[ _.]?')}(?![a-z])", re.IGNORECASE)


def written_rate(text: str) -> float | None:
    """The learning rate that a text states: "Learning rate (n) = 0.1", "η = 0.5", "LR 2"; None for lists and others."""
    if len(text) > LONGEST * 2:
        return None
    text = unicodedata.normalize("NFKC", text.translate(SIGNS)).translate(SIGNS).lower().replace("_", " ")
    if not RATE_START.match(text):
        return None
    text = re.sub(rf"({RATE_WORDS.replace('_?', '[ _.]?')}) ?-(?=[\d.])", r"\1 ", text)  # "LR-0.1" is no minus
    text = re.sub(rf"({RATE_WORDS.replace('_?', '[ _.]?')})(?=[\d.])", r"\1 ", text)
    found = NUMBER.findall(text)
    return rate_number(found[0]) if len(found) == 1 else None


def rate_number(text: str) -> float | None:
    percent = text.endswith("%")
    try:
        value = float(text.rstrip("%").replace(",", "."))
    except ValueError:
        return None
    return value / 100 if percent else value


def is_rate_label(text: str) -> bool:
    """Whether a text is a label such as "η =" or "Learning rate:", whose number stands in another cell."""
    return (
        len(text) <= LONGEST
        and (quantity(text) == "learning_rate" or bool(RATE.fullmatch(plain(text))))
        and (written_rate(text) is None)
    )


class Kind(NamedTuple):
    """A quantity as a value: its kind ("dE/dw") and the number of its weight or unit ("1"), which may be blank."""

    kind: str
    number: str


@lru_cache(maxsize=2_000)
def kind(name: str) -> Kind:
    """The one place where a quantity's name is taken apart: dE/dw1 is ("dE/dw", "1"), da_o1/do1 ("da_o/do", "1")."""
    numbers = re.findall(r"\d+(?:_\d+)?", name)
    return Kind(re.sub(r"\d+(?:_\d+)?", "", name), numbers[-1] if numbers else "")


GIVEN = frozenset({"t", "i"})
STARTED = GIVEN | {"w", "b"}  # what a descent starts from
LOSSES = frozenset({"E", "E_total"})
UNITS = frozenset({"h", "a_h", "o", "a_o"})
SLOPES = frozenset({"dE/dw", "dE/db"})
