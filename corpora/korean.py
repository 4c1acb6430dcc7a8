"""Korean paragraphs from a small grammar; particles and endings come from `hangul`.

>>> print(paragraph(random.Random(1)))                                     # doctest: +SKIP
민수는 시장에서 싱싱한 사과를 골랐다. 할머니가 감자를 팔자 민수는 웃었다.

A paragraph stays with one topic, one hero and one relative, so that its sentences belong together.
"""

import random
import re

import korean_words as words
from hangul import conjugate, with_particle
from korean_grammar import GRAMMAR, SHAPES

SLOT = re.compile(r"\{(\w+)(?:\|([^}]*))?\}")
PREDICATES = {"act", "move", "look", "look_person", "feel"}
VERBS = {"act", "move"}
EXISTENCE = ("있", "없")  # adjectives that take the endings of verbs: 맛있는


def cut(text: str) -> list[str]:
    """Words of a block of text; ``_`` stands for a space inside a phrase."""
    return [word.replace("_", " ") for word in text.split()]


class Paragraph:
    """Fills the slots of one paragraph: one topic, one hero, one relative."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.topic = {name: cut(text) for name, text in words.TOPICS[rng.choice(list(words.TOPICS))].items()}
        self.fixed = {"hero": rng.choice(cut(words.NAMES)), "relative": rng.choice(cut(words.RELATIVES))}

    def sentence(self) -> str:
        return self.expand(self.rng.choice(SHAPES))

    def expand(self, template: str, particle: str = "") -> str:
        """The template with its slots filled; ``particle`` goes to the noun that ends a rule."""

        def fill(slot: re.Match[str]) -> str:
            name, suffix = slot[1], slot[2] or ""
            if particle and slot.end() == len(template):
                suffix = particle
            if name in GRAMMAR:
                return self.expand(self.rng.choice(GRAMMAR[name]), suffix)
            return (
                self.predicate(name, suffix) if name in PREDICATES else with_particle(self.noun(name), suffix)
            )

        return SLOT.sub(fill, template)

    def predicate(self, name: str, ending: str) -> str:
        general = {
            "act": words.GENERAL_ACTS,
            "move": words.GENERAL_MOVES,
            "look": words.GENERAL_LOOKS,
            "look_person": words.PERSON_LOOKS,
            "feel": words.FEELINGS,
        }
        own = self.topic.get(name + "s", [])
        common = cut(general[name])
        stem = self.rng.choice(own if own and self.rng.random() < 0.6 else common)
        if name not in VERBS and stem.endswith(EXISTENCE):
            ending = {"은": "는", "은가요": "나요"}.get(ending, ending)
        return conjugate(stem, ending)

    def noun(self, name: str) -> str:
        rng = self.rng
        if name in self.fixed:
            return self.fixed[name]
        choices = {
            "person": self.topic["people"],
            "thing": self.topic["things"],
            "place": self.topic["places"],
            "manner": cut(words.MANNERS),
            "when": cut(words.TIMES),
            "abstract": cut(words.ABSTRACT),
            "town": cut(words.TOWNS),
            "ordinal": cut(words.ORDINALS),
        }
        if name in choices:
            return rng.choice(choices[name])
        numbers = {
            "year": (1592, 2030, 1),
            "month": (1, 13, 1),
            "day": (1, 29, 1),
            "hour": (1, 13, 1),
            "minute": (5, 60, 5),
            "price": (500, 50000, 100),
            "distance": (3, 400, 1),
        }
        return str(rng.randrange(*numbers[name]))


def paragraph(rng: random.Random) -> str:
    """One line of one to five sentences."""
    page = Paragraph(rng)
    return " ".join(page.sentence() for _ in range(rng.randrange(1, 6)))
