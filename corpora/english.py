"""English paragraphs from a small grammar: symbols in capitals expand to other symbols, the rest to words.

>>> print(paragraph(random.Random(1)))                                     # doctest: +SKIP
The baker weighed a ripe melon. "Perhaps it is too late," said Clara, and the stall fell silent.

A paragraph stays with one topic, one hero and one relative, so that its sentences belong together.
"""

import random
import re

import english_words as words
from english_grammar import GRAMMAR, SHAPES

VOWELS = "aeiou"
TAKES_A = ("uni", "use", "euro", "one")  # spelt with a vowel, spoken with a consonant
SLOT = re.compile(r"\{(\w+)\}")


def plural(noun: str) -> str:
    """potato -> potatoes, city -> cities, box -> boxes."""
    if noun in words.IRREGULAR_PLURALS:
        return words.IRREGULAR_PLURALS[noun]
    if noun.endswith("y") and noun[-2] not in VOWELS:
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")


def suffixed(verb: str, suffix: str) -> str:
    """carry + ed -> carried, stop + ing -> stopping, bake + ing -> baking; look-for keeps its second part."""
    verb, dash, particle = verb.partition("-")
    if verb in words.DOUBLED:
        verb += verb[-1]
    elif verb.endswith("e") and not (suffix == "ing" and verb.endswith(("ee", "ye", "oe"))):
        verb = verb[:-1]
    elif suffix == "ed" and verb.endswith("y") and verb[-2] not in VOWELS:
        verb = verb[:-1] + "i"
    return verb + suffix + dash.replace("-", " ") + particle


def inflected(verb: str, form: str) -> str:
    """One form of a verb: "" (infinitive), "s", "ed", "en" or "ing"."""
    base, _, particle = verb.partition("-")
    tail = f" {particle}" if particle else ""
    if form == "":
        return base + tail
    if form == "s":
        return plural(base) + tail
    if form != "ing" and base in words.IRREGULAR_VERBS:
        return words.IRREGULAR_VERBS[base].split(",")[form == "en"] + tail
    return suffixed(verb, "ed" if form == "en" else form)


def adverb(adjective: str) -> str:
    """happy -> happily, gentle -> gently, quick -> quickly."""
    if adjective == "shy":
        return "shyly"
    if adjective.endswith("y"):
        return adjective[:-1] + "ily"
    return adjective[:-1] + "y" if adjective.endswith("le") else adjective + "ly"


def quality(adjective: str) -> str:
    """happy -> happiness, soft -> softness, brave -> bravery."""
    if adjective in words.QUALITIES:
        return words.QUALITIES[adjective]
    return (adjective[:-1] + "i" if adjective.endswith("y") and len(adjective) > 3 else adjective) + "ness"


def compared(adjective: str, ending: str) -> str:
    """short adjectives take -er and -est, long ones more and most."""
    if len(adjective) > 6 or "-" in adjective or adjective.endswith(("ed", "en", "ful", "ing", "id", "ost")):
        return ("more " if ending == "er" else "most ") + adjective
    if adjective.endswith("y"):
        return adjective[:-1] + "i" + ending
    if adjective in {"big", "hot", "sad", "flat", "wet", "thin", "dim"}:
        return adjective + adjective[-1] + ending
    return adjective + (ending[1:] if adjective.endswith("e") else ending)


class Paragraph:
    """Fills the slots of one paragraph: one topic, one hero, one relative."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.topic = {
            name: text.split() for name, text in words.TOPICS[rng.choice(list(words.TOPICS))].items()
        }
        woman = rng.random() < 0.5
        self.fixed = {
            "hero": rng.choice((words.WOMEN if woman else words.MEN).split()),
            "he": "she" if woman else "he",
            "his": "her" if woman else "his",
            "relative": rng.choice(words.RELATIVES.split()),
        }

    def sentence(self) -> str:
        """One sentence with its capital letter and the right article before every vowel."""
        text = self.expand(self.rng.choice(SHAPES)).strip()
        text = re.sub(r"\b([Aa]) (?=(\w+))", with_article, text)
        return re.sub(r'^["(]?[a-z]', lambda first: first[0].upper(), text)

    def expand(self, template: str) -> str:
        return SLOT.sub(lambda slot: self.slot(slot[1]), template)

    def slot(self, name: str) -> str:
        """A rule, a fixed word or a word of the lexicon; a slot with a capital letter starts with one."""
        lower = name.lower()
        text = self.expand(self.rng.choice(GRAMMAR[lower])) if lower in GRAMMAR else self.word(lower)
        return text[0].upper() + text[1:] if name[0].isupper() else text

    def word(self, name: str) -> str:
        rng, pick = self.rng, self.pick
        if name in self.fixed:
            return self.fixed[name]
        root, _, form = name.partition("_")
        if root in ("act", "move"):
            general = words.GENERAL_ACTS if root == "act" else words.GENERAL_MOVES
            return inflected(pick(self.topic[root + "s"], general), form)
        choices = {
            "person": lambda: pick(self.topic["people"]),
            "people": lambda: plural(pick(self.topic["people"])),
            "thing": lambda: pick(self.topic["things"]),
            "things": lambda: plural(pick(self.topic["things"])),
            "stuff": lambda: pick(self.topic["stuff"]),
            "place": lambda: pick(self.topic["places"]),
            "places": lambda: plural(pick(self.topic["places"])),
            "look": lambda: pick(self.topic["looks"], words.GENERAL_LOOKS),
            "look_person": lambda: pick(words.MANNERS),
            "manner_ly": lambda: adverb(pick(words.MANNERS)),
            "ness": lambda: quality(pick(words.MANNERS)),
            "comparative": lambda: compared(pick(words.GENERAL_LOOKS), "er"),
            "superlative": lambda: compared(pick(words.GENERAL_LOOKS), "est"),
            "said": lambda: inflected(pick(words.SAYING), "ed"),
            "adverb": lambda: pick(words.DIALOGUE_WORDS),
            "year": lambda: str(rng.randrange(1650, 2030)),
            "day": lambda: str(rng.randrange(1, 29)),
            "price": lambda: f"${rng.randrange(1, 90)}.{rng.randrange(10, 99)}",
            "decimal": lambda: f"{rng.randrange(1, 60)}.{rng.randrange(1, 10)}",
            "percent": lambda: f"{rng.randrange(2, 99)}%",
            "clock": lambda: f"{rng.randrange(5, 23)}:{rng.randrange(0, 60, 5):02}",
            "size": lambda: pick(words.SIZES),
            "colour": lambda: pick(words.COLOURS),
            "number": lambda: pick(words.NUMBERS),
            "ordinal": lambda: pick(words.ORDINALS),
            "month": lambda: pick(words.MONTHS),
            "weekday": lambda: pick(words.WEEKDAYS),
            "town": lambda: pick(words.TOWNS),
            "abstract": lambda: pick(words.ABSTRACT),
            "feeling": lambda: pick(words.FEELINGS),
        }
        return choices[name]()

    def pick(self, first: list[str] | str, second: str = "") -> str:
        """A word of the first list, or, one time in three, of the second."""
        if second and self.rng.random() < 0.35:
            first = second
        return self.rng.choice(first.split() if isinstance(first, str) else first)


def with_article(match: re.Match[str]) -> str:
    article, following = match[1], match[2].lower()
    vowel = following[0] in VOWELS and not following.startswith(TAKES_A)
    return f"{article}n " if vowel else f"{article} "


def paragraph(rng: random.Random) -> str:
    """One line of one to five sentences."""
    page = Paragraph(rng)
    return " ".join(page.sentence() for _ in range(rng.randrange(1, 6)))
