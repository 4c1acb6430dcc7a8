"""The shapes of Korean sentences.

A slot is ``{word|suffix}``: for nouns the suffix is a particle (`hangul.with_particle`), for verbs and
adjectives an ending (`hangul.conjugate`). The rules SUBJECT and OBJECT pass their particle on to their noun.
"""

SENTENCES = """
{hero|은/는} {where} {object|을/를} {act|았다}.
{hero|은/는} {object|을/를} {act|고} {object|을/를} {act|았다}.
{person|이/가} {object|을/를} {act|자} {hero|은/는} {move|았다}.
{subject|은/는} {object|을/를} {act|으려고} {place|으로/로} 갔다.
{hero|은/는} {object|을/를} {act|으면서} {relative|을/를} 기다렸다.
{when} {subject|은/는} {object|을/를} {act|는다}.
{thing|이/가} {look|아서} {subject|은/는} {manner} {act|았다}.
{thing|은/는} {look|지만} {thing|은/는} {look|다}.
{look|은} {thing|을/를} {act|는} {person|은/는} 드물다.
{hero|이/가} {act|은} {thing|은/는} {look|았다}.
{place|에는} {look|은} {thing|과/와} {thing|이/가} 있었다.
{place|에서} {object|을/를} {act|는} 일은 {feel|았다}.
{hero|은/는} {thing|이나/나} {thing|을/를} {act|을} 생각이었다.
{subject|은/는} {manner} {move|았다}.
{subject|은/는} {where} {move|고} 있었다.
{hero|은/는} {relative|과/와} 함께 {object|을/를} {act|았다}.
{hero|은/는} {object|을/를} {act|지} 않고 {move|았다}.
{hero|은/는} {object|을/를} {act|을} 수 없었다.
{person|은/는} {object|을/를} {act|는데} {person|은/는} {move|는다}.
{object|을/를} {act|다가} {hero|은/는} {move|았다}.
{object|을/를} {act|으면} {relative|이/가} 좋아할 것이다.
{hero|은/는} {object|을/를} {act|기로} 했다.
{hero|은/는} {object|을/를} {act|기} 전에 {object|을/를} {act|았다}.
{object|을/를} {act|은} 뒤에 {hero|은/는} {where} {move|았다}.
{hero|은/는} {object|을/를} {act|자마자} {move|았다}.
{hero|은/는} {object|을/를} {act|아야} 했다.
{person|은/는} {object|을/를} {act|아서} {hero|에게} 보여 주었다.
{hero|은/는} {feel|았지만} {manner} {object|을/를} {act|았다}.
{look_person|은} {person|은/는} {where} {object|을/를} {act|곤} 했다.
{year}년 {month}월 {day}일, {subject|은/는} {object|을/를} {act|았다}.
{year}년에 {town|에서는} {look|은} {thing|이/가} 유명했다.
{hour}시 {minute}분에 {hero|이/가} {place|에} 도착했다.
{thing|은/는} 하나에 {price}원이고 {thing|은/는} {price}원이다.
{town|에서} {town|까지} {distance}킬로미터를 가야 한다.
"{quote}" 하고 {hero|이/가} 말했다.
"{quote}" {person|이/가} {manner} 대답했다.
"{ask}" {hero|이/가} 물었다. "{quote}" {relative|이/가} 말했다.
{person|은/는} {hero|에게} {object|을/를} {act|으라고} 했다.
{hero|은/는} {person|이/가} {object|을/를} {act|았다고} 믿었다.
{thing|보다} {thing|이/가} 더 {look|다}.
{thing|도} {look|고} {thing|도} {look|다}.
{thing|은/는} {town|의} 자랑이다.
{abstract|은/는} {thing|보다} 값지다.
{abstract|과/와} {abstract|이/가} 없으면 {object|을/를} {act|을} 수 없다.
{hero|의} {thing|은/는} {person|의} {thing|처럼} {look|았다}.
{thing|부터} {thing|까지} 모두 {look|았다}.
{person|들은} {where} {object|을/를} {act|았다}.
{when} {thing|이/가} {look|으면} {person|은/는} {move|는다}.
{thing|이/가} 너무 {look|으니} {hero|은/는} {feel|았다}.
{person|이/가} 아니라 {hero|이/가} {object|을/를} {act|았다}.
{thing|만} {act|던} {person|이/가} 이제는 {thing|을/를} {act|는다}.
{hero|은/는} {thing|으로/로} {thing|을/를} 대신했다.
{hero|은/는} {place|에} {thing|을/를} 두고 왔다.
누가 {object|을/를} {act|았을까}? {person|일까}, {person|일까}?
{hero|은/는} 왜 {object|을/를} {act|았을까}?
{hero|은/는} {object|을/를} {act|거나} {object|을/를} {act|는} 일이 즐거웠다.
{object|을/를} {act|을수록} {hero|은/는} 더 {feel|아졌다}.
{hero|은/는} {thing|조차} {act|지} 못했다.
{person|에게는} {thing|밖에} 없었다.
{thing|이라도/라도} {act|으면} 좋겠다고 {hero|은/는} 생각했다.
{person|이/가} {object|을/를} {act|도록} {hero|이/가} 도와주었다.
{thing|이란/란} {look|은} 법이라고 {person|이/가} 말했다.
{hero|은/는} {person|에게서} {thing|을/를} {act|는} 법을 배웠다.
{hero|은/는} {object|을/를} {act|느라} {thing|을/를} 잊었다.
{object|을/를} {act|았더니} {relative|이/가} {move|았다}.
{thing|뿐만} 아니라 {thing|까지} {look|았다}.
{hero|은/는} {object|을/를} {act|았으나} {person|은/는} {move|았다}.
{thing|이든/든} {thing|이든/든} {look|기만} 하면 {hero|은/는} {act|았다}.
{thing|이/가} {look|더라도} {hero|은/는} {manner} {act|을} 것이다.
{place|에서} {place|으로/로} {thing|을/를} {act|으러} 가는 길은 멀었다.
{thing|은/는} 과연 {look|을까}?
{look|던} {thing|이/가} 어느새 {look|아졌다}.
{thing|에} 대해 {person|과/와} {person|이/가} 이야기를 나누었다.
{subject|은/는} {thing|, }{thing|, }{thing|을/를} 차례로 {act|았다}.
"""
RULES = {
    "subject": """
        {hero} | {hero} | {person} | {person} | {look_person|은} {person} | {hero|의} {relative}
        {town|의} {person}""",
    "object": """
        {thing} | {thing} | {look|은} {thing} | {look|은} {thing} | {person|의} {thing}
        {ordinal} 번째 {thing}
        {relative|의} {thing} | {look|고} {look|은} {thing} | {town|의} {thing} | {place|의} {thing}""",
    "where": """
        {place|에서} | {place} 앞에서 | {place} 근처에서 | {town|의} {place|에서}
        {look|은} {place|에서} | {manner}""",
    "quote": """
        {object|을/를} {act|았어요}. | {object|을/를} {act|을게요}. | {thing|이/가} 정말 {look|네요}!
        {object|을/를} {act|읍시다}.
        {thing|은/는} 너무 {look|아요}. | {object|을/를} {act|고} 싶어요. | {object|을/를} {act|지} 마세요.
        {when} {object|을/를} {act|습니다}. | {object|을/를} {act|아도} 괜찮아요.
        {object|을/를} {act|았습니다}.
        {object|을/를} {act|으면} 안 돼요. | {abstract|이/가} 필요해요.
        {object|을/를} {act|은} 적이 없어요.""",
    "ask": """
        {object|을/를} {act|았나요}? | {thing|은/는} 어디에 있어요? | {object|을/를} {act|을까요}?
        {thing|이/가} {look|은가요}?
        {thing|은/는} 얼마예요? | 누가 {object|을/를} {act|았지요}? | 왜 {move|았어요}?""",
}


def split(text: str) -> list[str]:
    """The alternatives of a rule; a line break separates them as ` | ` does."""
    return [part.strip() for line in text.strip().splitlines() for part in line.split(" | ")]


GRAMMAR = {name: split(text) for name, text in RULES.items()}
SHAPES = split(SENTENCES)
