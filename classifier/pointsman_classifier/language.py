"""Which language a text is written in.

Three steps, the cheapest first: a script that only one language uses, a greeting or other everyday word that only
one language has, then py3langid among the languages of the text's script. Short texts often cannot be told, and
then the answer is None rather than a guess.
"""

import re
import unicodedata
from collections import Counter
from copy import copy

from py3langid.langid import MODEL_FILE, LanguageIdentifier

MIN_CONFIDENCE = 0.5
"""Below it the answer is None."""

_CHARACTERS = 300
"""Only this many characters are looked at: more do not change the answer."""

_LATIN = (
    "af az ca cs cy da de en es et eu fi fr ga gl hr hu id is it lt lv ms mt nl no pl pt ro sk sl sq sv sw tl tr vi"
)
_CYRILLIC = "be bg kk ky mk mn ru sr uk"
_ARABIC = "ar fa ur"

_SINGLE = {
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh",
    "THAI": "th",
    "HEBREW": "he",
    "GREEK": "el",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "TELUGU": "te",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
}
"""Script, as the Unicode names of its letters begin, to the language that (nearly) alone uses it."""

_EVERYDAY = {
    word: language
    for language, words in {
        "en": "hello hi hey thanks thank you please good morning bye yes okay sorry what how why the translate",
        "de": "danke bitte guten tschüss nein ja übersetze wie was warum und ich das nicht",
        "fr": "bonjour salut merci oui bonsoir pourquoi comment est je s'il plaît traduis",
        "es": "hola gracias buenos buenas días adiós qué cómo por traduce cuánto",
        "it": "ciao grazie buongiorno buonasera perché cosa traduci arrivederci",
        "pt": "olá oi obrigado obrigada tchau bom dia não você traduza",
        "nl": "hoi bedankt goedemorgen alsjeblieft waarom hoe vertaal het een ik",
        "pl": "cześć dziękuję dzień dobry proszę dlaczego jak przetłumacz tak",
        "tr": "merhaba teşekkürler günaydın selam neden nasıl evet hayır çevir",  # noqa: RUF001 Turkish has it
        "ru": "привет спасибо здравствуйте пока да нет как что почему переведи доброе утро",
        "uk": "привіт дякую вітаю як що чому будь ласка добрий",
    }.items()
    for word in words.split()
}
"""Words of very short texts; one that several languages share is best left out."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


class LanguageDetector:
    """Thread-safe. Loading takes about a second."""

    def __init__(self) -> None:
        model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._latin = _restricted(model, _LATIN)
        self._cyrillic = _restricted(model, _CYRILLIC)
        self._arabic = _restricted(model, _ARABIC)

    def detect(self, text: str) -> tuple[str | None, float]:
        """ISO 639-1 code and confidence (0 to 1) of a text's first few hundred characters.

        The code is None where the confidence would be below `MIN_CONFIDENCE`, as for numbers, code or a lone name.
        """
        sample = text[:_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
        script, share = _script(sample)
        if script in _SINGLE:
            return _confident(_SINGLE[script], share)
        if script == "ARABIC":
            return _confident(*self._arabic.classify(sample))
        model = self._cyrillic if script == "CYRILLIC" else self._latin
        if script not in ("CYRILLIC", "LATIN"):
            return None, 0.0
        words = _WORD.findall(sample.lower())
        language, confidence = model.classify(" ".join(words))
        hint = _everyday(words) if len(words) <= 4 else None
        if hint is not None and (hint == language or confidence < 0.8):
            return hint, max(confidence if hint == language else 0.0, 0.7)
        return _confident(language, confidence)


def _restricted(model: LanguageIdentifier, languages: str) -> LanguageIdentifier:
    """A view of the model for some languages; the automaton, its largest part, is shared."""
    identifier = copy(model)
    identifier.set_languages(languages.split())
    return identifier


def _confident(language: str, confidence: float) -> tuple[str | None, float]:
    return (language if confidence >= MIN_CONFIDENCE else None), float(confidence)


def _everyday(words: list[str]) -> str | None:
    """The language of the everyday words among these, when they agree."""
    found = {_EVERYDAY[word] for word in words if word in _EVERYDAY}
    return found.pop() if len(found) == 1 else None


def _script(sample: str) -> tuple[str, float]:
    """The script of most letters, and its share of them; Japanese counts as such by any kana."""
    if sample.isascii():
        return ("LATIN", 1.0) if any(map(str.isalpha, sample)) else ("", 0.0)
    scripts = Counter(unicodedata.name(c, "UNNAMED").split(maxsplit=1)[0] for c in sample if c.isalpha())
    if not scripts:
        return "", 0.0
    kana = scripts["HIRAGANA"] + scripts["KATAKANA"]
    if kana and kana * 8 >= scripts["CJK"]:
        scripts["HIRAGANA"] = kana + scripts.pop("CJK", 0)
        scripts.pop("KATAKANA", None)
    script, letters = scripts.most_common(1)[0]
    return script, letters / scripts.total()
