"""Korean particles and verb endings, chosen by the last letter of the word before them.

>>> with_particle("책", "은/는"), with_particle("바다", "은/는"), with_particle("길", "으로/로")
('책은', '바다는', '길로')
>>> conjugate("돕!", "았다"), conjugate("만들", "는다"), conjugate("기쁘", "을")
('도왔다', '만든다', '기쁠')

A stem is the dictionary form without its last syllable 다. A trailing ``!`` marks the irregular ones:
돕! -> 도와, 듣! -> 들어, 짓! -> 지어, 부르! -> 불러, 빨갛! -> 빨개. The rest follows from the letters.
"""

VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
TAILS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
FIRST_SYLLABLE = 0xAC00
CONTRACTED = {"ㅗ": "ㅘ", "ㅜ": "ㅝ", "ㅣ": "ㅕ", "ㅚ": "ㅙ"}  # 보 + 아 -> 봐
SWALLOWED = "ㅏㅓㅐㅔㅕ"  # 가 + 아 -> 가
H_VOWELS = {"ㅏ": "ㅐ", "ㅑ": "ㅒ", "ㅓ": "ㅔ", "ㅕ": "ㅖ"}  # 빨갛 + 아 -> 빨개


def letters(syllable: str) -> tuple[int, str, str]:
    """Number of the leading consonant, vowel, final consonant (a space where there is none)."""
    lead, rest = divmod(ord(syllable) - FIRST_SYLLABLE, 28 * 21)
    return lead, VOWELS[rest // 28], TAILS[rest % 28]


def syllable(lead: int, vowel: str, tail: str = " ") -> str:
    """The inverse of `letters`."""
    return chr(FIRST_SYLLABLE + (lead * 21 + VOWELS.index(vowel)) * 28 + TAILS.index(tail))


def retail(text: str, tail: str) -> str:
    """The text with another final consonant: retail("가", "ㅆ") -> 갔."""
    lead, vowel, _ = letters(text[-1])
    return text[:-1] + syllable(lead, vowel, tail)


def with_particle(word: str, pair: str) -> str:
    """The word and its particle; a pair is written "after a consonant/after a vowel"."""
    if "/" not in pair:
        return word + pair
    closed, open_ = pair.split("/")
    tail = letters(word[-1])[2]
    if pair.startswith("으로") and tail == "ㄹ":
        return word + open_
    return word + (open_ if tail == " " else closed)


def harmony(vowel: str) -> str:
    """The vowel of the ending that follows: 아 after ㅏ and ㅗ, 어 after all others."""
    return "아" if vowel in "ㅏㅑㅗ" else "어"


def infinitive(stem: str) -> str:
    """The stem with -아/어 joined to it: 먹 -> 먹어, 오 -> 와, 하 -> 해, 쓰 -> 써."""
    body, irregular = stem.rstrip("!"), stem.endswith("!")
    lead, vowel, tail = letters(body[-1])
    if body.endswith("하"):
        return body[:-1] + "해"
    if irregular:
        return _irregular_infinitive(body)
    if tail != " ":
        return body + harmony(vowel)
    if vowel in SWALLOWED:
        return body
    if vowel == "ㅡ":
        before = letters(body[-2])[1] if len(body) > 1 and body[-2] != " " else "ㅓ"
        return body[:-1] + syllable(lead, letters(harmony(before))[1])
    if vowel in CONTRACTED:
        return body[:-1] + syllable(lead, CONTRACTED[vowel])
    return body + harmony(vowel)


def _irregular_infinitive(body: str) -> str:
    lead, vowel, tail = letters(body[-1])
    if tail == "ㅂ":
        return retail(body, " ") + ("와" if body[-1] in "돕곱" else "워")
    if tail == "ㄷ":
        return retail(body, "ㄹ") + harmony(vowel)
    if tail == "ㅅ":
        return retail(body, " ") + harmony(vowel)
    if tail == "ㅎ":
        return body[:-1] + syllable(lead, H_VOWELS[vowel])
    if body.endswith("르"):
        before = letters(body[-2])[1]
        return retail(body[:-1], "ㄹ") + ("라" if harmony(before) == "아" else "러")
    raise ValueError(f"{body}!: no irregular class ends like this; drop the '!' or correct the stem")


def _loose(stem: str) -> str:
    """The stem as it stands before -으: 돕! -> 도우, 듣! -> 들으, 먹 -> 먹으, 가 -> 가, 만들 -> 만들."""
    body, irregular = stem.rstrip("!"), stem.endswith("!")
    tail = letters(body[-1])[2]
    if irregular and tail == "ㅂ":
        return retail(body, " ") + "우"
    if irregular and tail == "ㄷ":
        return retail(body, "ㄹ") + "으"
    if irregular and tail == "ㅅ":
        return retail(body, " ") + "으"
    if irregular and tail == "ㅎ":
        return retail(body, " ")
    return body if tail in " ㄹ" else body + "으"


def conjugate(stem: str, ending: str) -> str:
    """Stem and ending as one word.

    The ending is written as after a closed stem with ㅏ (았다, 아서, 으면, 은, 을, 는다, 습니다) or as it
    always stands (고, 지만, 게, 기).
    """
    body = stem.rstrip("!")
    tail = letters(body[-1])[2]
    first, rest = ending[0], ending[1:]
    if first == "아":
        return infinitive(stem) + rest
    if first == "았":
        return retail(infinitive(stem), "ㅆ") + rest
    if first in "으은을음읍":
        loose, joined = _loose(stem), letters(first)[2]
        if joined != " ":
            return retail(loose, joined) + rest if joined != "ㅁ" else _with_m(loose) + rest
        return (retail(loose, " ") if letters(loose[-1])[2] == "ㄹ" and rest[0] in "니시" else loose) + rest
    if ending == "습니다":
        return (retail(body, "ㅂ") + "니다") if tail in " ㄹ" else body + ending
    if ending.startswith("는다"):
        return (retail(body, "ㄴ") if tail in " ㄹ" else body + "는") + rest
    if first in "는네니" and tail == "ㄹ":
        return retail(body, " ") + ending
    return body + ending


def _with_m(loose: str) -> str:
    return retail(loose, "ㄻ" if letters(loose[-1])[2] == "ㄹ" else "ㅁ")
