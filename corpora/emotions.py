"""Labelled sentences about feelings, where the order of the words decides the label.

Most rows name two feelings and only the structure says which one counts:

    i expected to feel glad but in the end i felt lonely     -> sadness
    in the end i felt glad although i expected to feel lonely -> joy

Every frame that puts the winning cue last has a partner of (nearly) the same words that puts it first: a bag
of words hardly sees a difference. The rest of the rows are plain sentences with one feeling.
"""

import random
import re
from collections.abc import Callable

import emotion_words as words
from hangul import conjugate, with_particle

LABELS = {"joy": 33, "sadness": 28, "anger": 14, "fear": 12, "love": 9, "surprise": 4}  # per cent
PLAIN_SHARE = 0.38  # rows with one feeling; the others weigh two against each other
WINNER_LAST = 0.88  # contrasts that put the feeling that counts behind the other one
EXACT_COPIES = 24
CONFLICTS = 10
EMPTY_LABELS = 12
EMPTY_TEXTS = 5
SHORTEST, LONGEST = 5, 25  # words

# {y} is the feeling that counts, {x} the other one; {who} is somebody else.
ENGLISH_ADJECTIVE_FRAMES = """
    i expected to feel {x} but in the end i felt {y}
    in the end i felt {y} but i expected to feel {x}
    i used to be {x} but now i am {y}
    now i am {y} but i used to be {x}
    {who} was {x} while i was {y}
    i was {y} while {who} was {x}
    i looked {x} but inside i was {y}
    inside i was {y} but i looked {x}
    i was not {x}, only {y}
    i was only {y}, not {x}
"""
ENGLISH_NOUN_FRAMES = """
    {x} gave way to {y} in my heart
    in my heart {y} took the place of {x}
    i looked for {x} and found {y}
    i found {y} though i looked for {x}
    {who} spoke of {x} while my heart held {y}
    my heart held {y} while {who} spoke of {x}
    there was {x} before and {y} now
    there is {y} now and {x} before
    what i felt was not {x} but {y}
    what i felt was {y} but not {x}
"""
ENGLISH_CLAUSE_FRAMES = """
    at first {x}, but in the end {y}
    in the end {y}, but at first {x}
    last year {x}, but this time {y}
    this time {y}, but last year {x}
    i expected to feel {xa} but in the end {y}
    in the end {y} but i expected to feel {xa}
"""
ENGLISH_PLAIN_FRAMES = """
    i felt {a}
    i was {a}
    i was {a} again
    i have never been so {b}
    it made me {a}
    i am {a} and {c}
    i was {a} and {c}
    {c} because i was {a}
    {c}
    {c} and i was full of {n}
    {n} filled my heart
    i felt {m} all day
    there was {m} in my heart
    {who} asked me why i was {a}
    i told {who} that i felt {a}
    {who} saw that i was {a}
    i wrote in my diary about {m}
"""
# Korean: the part behind | is an ending or a particle.
KOREAN_STATE_FRAMES = """
    {x|을} 줄 알았는데 결국 {y|았다}
    결국 {y|았다} {x|을} 줄 알았는데
    처음에는 {x|았지만} 나중에는 {y|았다}
    나중에는 {y|았지만} 처음에는 {x|았다}
    {who|은/는} {x|았고} 나는 {y|았다}
    나는 {y|았고} {who|은/는} {x|았다}
    다들 {x|았는데} 나만 {y|았다}
    나만 {y|았는데} 다들 {x|았다}
    겉으로는 {x|은} 척했지만 속으로는 {y|았다}
    속으로는 {y|았지만} 겉으로는 {x|은} 척했다
"""
KOREAN_NOUN_FRAMES = """
    내 마음은 {x|에서} {y|으로/로} 바뀌었다
    내 마음은 {y|으로/로} 바뀌었다 {x|에서}
    {x|보다} {y|이/가} 훨씬 컸다
    {y|이/가} {x|보다} 훨씬 컸다
    {x} 대신 {y|이/가} 밀려왔다
    {y|이/가} {x} 대신 밀려왔다
    {who} 마음에는 {x|이/가} 내 마음에는 {y|이/가} 가득했다
    내 마음에는 {y|이/가} {who} 마음에는 {x|이/가} 가득했다
    {x|이/가} 사라지고 {y|이/가} 남았다
    {y|이/가} 남고 {x|이/가} 사라졌다
    내가 느낀 것은 {x|이/가} 아니라 {y|이었다/였다}
    내가 느낀 것은 {y|이지/지} {x|이/가} 아니었다
"""
KOREAN_PLAIN_FRAMES = """
    나는 {s|았다}
    나는 늘 {s|는다}
    {s|아서} 잠이 오지 않았다
    {s|아서} 일기를 썼다
    {s|았다} 그리고 {v|았다}
    {v|을} 만큼 {s|았다}
    오늘은 온종일 {v|았다}
    {s|고} 또 {v|았다}
    {n|이/가} 밀려왔다
    내 마음에는 {n|이/가} 가득했다
    {n|을/를} 느꼈다
    {who|은/는} 내가 {s|은} 것을 알았다
    {who|이/가} 물어볼 만큼 {s|았다}
    {who|에게} 내 {n|을/를} 털어놓았다
    {s|은} 하루였다
"""
SLOT = re.compile(r"\{(\w+)(?:\|([^}]*))?\}")
Frame = tuple[str, str]


def frames(**groups: str) -> list[Frame]:
    """(kind, template) for every line of every group; a group is named by the kind of cue it takes."""
    return [(kind, line.strip()) for kind, text in groups.items() for line in text.strip().splitlines()]


def pick_frame(rng: random.Random, plain: list[Frame], contrasts: list[Frame]) -> Frame:
    """A plain frame or a contrast; of the pairs of contrasts the one with the winner last is more usual."""
    if rng.random() < PLAIN_SHARE:
        return rng.choice(plain)
    return rng.choice(contrasts[0::2] if rng.random() < WINNER_LAST else contrasts[1::2])


def cue(rng: random.Random, cues: list[str]) -> str:
    """One of the cues, the first ones more often than the last, as words are in real text."""
    return rng.choices(cues, [1 / (rank + 4) for rank in range(len(cues))])[0]


ENGLISH_CONTRASTS = frames(
    adjectives=ENGLISH_ADJECTIVE_FRAMES, nouns=ENGLISH_NOUN_FRAMES, clauses=ENGLISH_CLAUSE_FRAMES
)
ENGLISH_PLAIN = frames(plain=ENGLISH_PLAIN_FRAMES)
KOREAN_CONTRASTS = frames(states=KOREAN_STATE_FRAMES, nouns=KOREAN_NOUN_FRAMES)
KOREAN_PLAIN = frames(plain=KOREAN_PLAIN_FRAMES)


def other_label(rng: random.Random, label: str) -> str:
    """Another feeling, as frequent as it is as a label: neither of two cues tells which one counts."""
    rest = [name for name in LABELS if name != label]
    return rng.choices(rest, [LABELS[name] for name in rest])[0]


def english_sentence(rng: random.Random, label: str) -> str:
    """One English sentence of that label, in lower case, without a full stop."""
    lexicon, other = words.ENGLISH[label], words.ENGLISH[other_label(rng, label)]
    kind, template = pick_frame(rng, ENGLISH_PLAIN, ENGLISH_CONTRASTS)

    def adjective(cues: dict[str, list[str]]) -> str:
        degree = rng.choice(words.ENGLISH_DEGREES) + " " if rng.random() < 0.8 else ""
        return degree + cue(rng, cues["adjectives"])

    def noun(cues: dict[str, list[str]]) -> str:
        return rng.choice(words.ENGLISH_AMOUNTS) + " " + cue(rng, cues["nouns"])

    def clause(cues: dict[str, list[str]]) -> str:
        return cue(rng, cues["clauses"])

    contrast = {"adjectives": adjective, "nouns": noun, "clauses": clause}
    fill: dict[str, Callable[[], str]] = {
        "who": lambda: rng.choice(words.ENGLISH_OTHERS),
        "x": lambda: contrast[kind](other),
        "y": lambda: contrast[kind](lexicon),
        "xa": lambda: adjective(other),
        "a": lambda: adjective(lexicon),
        "b": lambda: cue(rng, lexicon["adjectives"]),
        "c": lambda: clause(lexicon),
        "n": lambda: cue(rng, lexicon["nouns"]),
        "m": lambda: noun(lexicon),
    }
    core = SLOT.sub(lambda slot: fill[slot[1]](), template)
    return in_context(rng, core, words.ENGLISH_TIMES + words.ENGLISH_OCCASIONS, last=True)


def korean_sentence(rng: random.Random, label: str) -> str:
    """One Korean sentence of that label, without a full stop."""
    lexicon, other = words.KOREAN[label], words.KOREAN[other_label(rng, label)]
    kind, template = pick_frame(rng, KOREAN_PLAIN, KOREAN_CONTRASTS)

    def predicate(cues: dict[str, list[str]], ending: str, lists: tuple[str, ...]) -> str:
        name = rng.choice(lists)
        stem = cue(rng, cues[name])
        degrees = words.KOREAN_DEGREES if name == "states" else words.KOREAN_URGES
        degree = rng.choice(degrees) + " " if rng.random() < 0.6 else ""
        return degree + conjugate(stem, ending_for(name, ending))

    def noun(cues: dict[str, list[str]], particle: str) -> str:
        word = cue(rng, cues["nouns"])
        if rng.random() < 0.7:
            word = with_particle(word, "이라는/라는") + " " + rng.choice(words.KOREAN_FEELINGS)
        return with_particle(word, particle)

    def fill(slot: re.Match[str]) -> str:
        name, suffix = slot[1], slot[2] or ""
        cues = other if name == "x" else lexicon
        if name == "who":
            return with_particle(rng.choice(words.KOREAN_OTHERS), suffix)
        if name == "n" or kind == "nouns":
            return noun(cues, suffix)
        return predicate(cues, suffix, {"s": ("states",), "v": ("acts",)}.get(name, ("states", "acts")))

    core = SLOT.sub(fill, template)
    return in_context(rng, core, words.KOREAN_TIMES + words.KOREAN_OCCASIONS, last=False)


def ending_for(kind: str, ending: str) -> str:
    """Adjectives and verbs part in the present: 기쁘다 but 운다, 기쁜 but 우는."""
    if kind == "states":
        return {"는다": "다"}.get(ending, ending)
    return {"은": "는"}.get(ending, ending)


def in_context(rng: random.Random, core: str, contexts: list[str], last: bool) -> str:
    """The sentence with a time or an occasion, or without; English may also put it last."""
    if rng.random() < 0.6 and len(core.split()) >= SHORTEST:
        return core
    context = rng.choice(contexts)
    if not last:
        return f"{context} {core}"
    return f"{core} {context}" if rng.random() < 0.5 else f"{context}, {core}"


def styled(rng: random.Random, sentence: str) -> str:
    """Half of the sentences stay as they are; the others get a capital letter and a full stop."""
    if rng.random() < 0.5:
        return sentence
    sentence = re.sub(r"\bi\b", "I", sentence)
    return sentence[0].upper() + sentence[1:] + "."


def distinct_rows(rng: random.Random, count: int) -> list[Frame]:
    """(text, label) rows in the shares of `LABELS`, half English; no two texts differ by case only."""
    labels = [label for label, share in LABELS.items() for _ in range(round(count * share / 100))]
    labels += ["joy"] * (count - len(labels))
    rows: list[Frame] = []
    seen: set[str] = set()
    for number, label in enumerate(labels[:count]):
        while True:
            text = (english_sentence if number % 2 else korean_sentence)(rng, label)
            if text not in seen and SHORTEST <= len(text.split()) <= LONGEST:
                break
        seen.add(text)
        rows.append((styled(rng, text), label))
    rng.shuffle(rows)
    return rows


def build(rng: random.Random, count: int) -> tuple[list[Frame], dict[str, object]]:
    """``count`` rows with the planted faults, shuffled, and the account of what was planted."""
    rows = distinct_rows(rng, count - EXACT_COPIES - CONFLICTS - EMPTY_TEXTS)
    copied = rows[:EXACT_COPIES]
    conflicting = rows[EXACT_COPIES : EXACT_COPIES + CONFLICTS]
    unlabelled = slice(EXACT_COPIES + CONFLICTS, EXACT_COPIES + CONFLICTS + EMPTY_LABELS)
    rows[unlabelled] = [(text, "") for text, _ in rows[unlabelled]]
    second = [(text, other_label(rng, label)) for text, label in conflicting]
    rows += copied + second + [("", label) for label in list(LABELS)[:EMPTY_TEXTS]]
    rng.shuffle(rows)
    return rows, account(rows)


def account(rows: list[Frame]) -> dict[str, object]:
    """What a careful tool must find in the rows, counted from the rows themselves."""
    labels_of: dict[str, list[str]] = {}
    for text, label in rows:
        if text:
            labels_of.setdefault(text, []).append(label)
    conflicting = sorted(text for text, labels in labels_of.items() if len(set(labels)) > 1)
    extra = sum(len(labels) - 1 for labels in labels_of.values())
    return {
        "rows": len(rows),
        "distinct_texts": len(labels_of),
        "empty_label": sum(not label for _, label in rows),
        "empty_text": sum(not text for text, _ in rows),
        "extra_copies": extra,
        "extra_copies_same_label": sum(len(labels) - len(set(labels)) for labels in labels_of.values()),
        "conflicting_texts": len(conflicting),
        "conflicting_rows": sum(len(labels_of[text]) for text in conflicting),
        "classes": {name: sum(label == name for _, label in rows) for name in LABELS},
        "conflicts": {text: sorted(labels_of[text]) for text in conflicting},
    }
