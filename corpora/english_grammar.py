"""The shapes of English sentences: a symbol in braces is a rule below or a slot that `english` fills."""

SENTENCES = """
    {CLAUSE}. | {CLAUSE}. | {CLAUSE}, and {clause}. | {CLAUSE}, but {clause}. | {CLAUSE} because {clause}.
    When {clause}, {clause}. | After {clause}, {clause}. | Although {clause}, {clause}.
    While {clause}, {hero} {move_ed}.
    {CLAUSE} until {clause}. | {CLAUSE}, so {hero} {act_ed} {object}.
    If {hero} {act_ed} {object}, {he} would {move}.
    {PLAIN} | {PLAIN} | {DIALOGUE} | {DIALOGUE} | {DIALOGUE} | {FACT} | {FACT} | {LISTING} | {DATED}
    {QUESTION}
"""
RULES = {
    "CLAUSE": """
        {subject} {act_ed} {object} | {subject} {act_ed} {object} {where}
        {subject} {manner_ly} {act_ed} {object}
        {subject} {move_ed} {where} | {subject} {move_ed} {manner_ly} | {hero} {act_ed} {object} {with_stuff}
        {hero} had {act_en} {object} | {subject} wanted to {act} {object}
        {hero} tried to {act} {object} {where}
        {subject} stopped {act_ing} {object} | {subject} kept {act_ing} {object} {when}
        {hero} was {act_ing} {object}
        {subject} could not {act} {object} without {act_ing} {object}
        {the_thing} was {act_en} by {the_person}
        {the_things} were {act_en} {when} | {hero} felt {feeling} {when} | there was {stuff} in every {place}
        {hero} and {his} {relative} {act_ed} {object} | {the_thing} looked {look}
        {stuff} covered {the_thing}
        {his} {relative} began to {move} | {hero} promised {his} {relative} to {act} {object}
        {the_thing} was {comparative} than {the_thing} | {hero} never learned how to {act} {a_thing}
        somebody had left {a_thing} {where} | nobody {act_ed} {object} {where}""",
    "PLAIN": """
        {The_person} who {act_ed} {object} {move_ed} {where}. | {Manner_ly}, {subject} {act_ed} {object}.
        {Act_ing} {object} is {look} work, and {hero} knows it. | There were {number} {things} {where}.
        {Where}, {subject} {act_ed} {object}. | {When}, {hero} {act_ed} {object} and {move_ed}.
        The {ness} of {the_thing} surprised {subject}. | With great {ness}, {hero} {act_ed} {object}.
        {Abstract} is more useful than {abstract}, and {the_person} knew both.
        {The_person}'s {thing} was {look}.
        {Number} {people} {act_ed} {object} {where}. | Not {a_thing} but {a_thing} made {subject} {move}.
        Neither {the_person} nor {the_person} {act_ed} {object}. | Every {person} {act_s} {object} {often}.
        {Hero} {often} {act_s} {object}; {his} {relative} {often} {act_s} {object}.
        It was {feeling_it} to {act} {object} {where}. | {The_things} smelled of {stuff} and {stuff}.""",
    "DIALOGUE": """
        "{Quote}," {said} {hero}. | "{Quote}," {said} {the_person}, and {clause}. | {Hero} {said}: "{Quote}."
        "{Ask}?" asked {hero}. "{Quote}," {said} {his} {relative}. | "{Ask}?" asked {the_person} {manner_ly}.
        "{Quote}!" {said} {the_person}. | "{Quote}," {said} {hero}, "and {quote}." """,
    "quote": """
        I {act_ed} {object} | we have {act_en} {object} | you must not {act} {object}
        I will {act} {object} {when_next}
        it is too {look} for me | I {often} {act} {object} | please {act} {object} | let us {move} {where}
        my {relative} {often} {act_s} {object} | nobody {act_s} {a_thing} like you | that is not {a_thing}
        {adverb} you are right | I can't {act} it | they're {act_ing} {object} | {abstract} needs {abstract}
        don't {move} {where} | it costs {price} | there are only {number} {things} left
        we'll {move} {when_next}""",
    "Ask": """
        Did you {act} {object} | Where is {the_thing} | Who {act_ed} {object} | Why did {the_person} {move}
        How many {things} do we need | Have you {act_en} {object} | Can you {act} {a_thing} | Is it {look}
        What would {the_person} do with {a_thing} | Shall we {act} {object} {when_next}""",
    "FACT": """
        In {year}, {subject} {act_ed} {object}. | {A_thing} costs {price} in {town}.
        {Town} is {number} miles from {town}.
        {The_things} weigh {decimal} kilograms. | The {ordinal} {thing} was {look}, the {ordinal} one {look}.
        Between {year} and {year}, {town} had only {number} {people}.
        About {percent} of {the_things} were {look}.
        {The_place} opens at {clock} and closes at {clock}.
        {A_thing} is {a_thing} that people {act} {manner_ly}.
        {Town} has {number} {places}, {number} {places} and {a_place}.
        The {superlative} {thing} in {town} is {look}.
        The {compound} was {look}, yet {subject} {act_ed} it.""",
    "LISTING": """
        {Hero} {act_ed} {a_thing}, {a_thing} and {some_things}.
        {Hero} packed {some_things}, {stuff} and {a_thing}.
        First {hero} {act_ed} {object}; then {he} {act_ed} {object}; finally {he} {move_ed}.
        {The_place} was full of {things}, {things}, {things} and {stuff}.
        {The_person} (a {look_person} person) {act_ed} {object}.
        {Hero} had three wishes: {a_thing}, {a_thing} and {abstract}.""",
    "DATED": """
        On {weekday}, {day} {month} {year}, {clause}. | {Month} was {look}, and {clause}.
        At {clock}, {clause}.
        It happened on {day} {month}: {clause}.
        Since {weekday}, {subject} had {act_en} nothing but {things}.
        {Number} years later, {clause}. | Every {weekday} {hero} {act_s} {object} {where}.""",
    "QUESTION": """
        Who {act_ed} {object}? | Why did {hero} {act} {object}? | Could {the_person} {act} {object} {where}?
        Was {the_thing} really {comparative} than {a_thing}? Nobody knew. | What is {a_thing} without {stuff}?
        How {look} the {things} were! | What {a_look} {thing} it was!""",
    "subject": """
        {hero} | {hero} | {the_person} | {the_person} | {a_person} | {the_people} | {number} {people} | {he}
        {his} {relative} | {the_person} from {town} | {the_person}'s {relative}""",
    "object": """
        {the_thing} | {the_thing} | {a_thing} | {a_thing} | {the_things} | {some_things} | {stuff}
        {number} {things}
        {his} {thing} | {his} {look} {things} | {the_person}'s {thing} | {the_thing} of {the_person}
        the {compound}""",
    "the_thing": """the {thing} | the {look} {thing} | the {look} {thing} | the {colour} {thing}
        the {size} {look} {thing}""",
    "the_things": """the {things} | the {look} {things} | the {colour} {things} | all the {things}
        these {things}""",
    "some_things": """some {things} | many {things} | a few {look} {things} | several {things}
        {look} {things}""",
    "a_thing": "a {thing} | a {look} {thing} | a {look} {thing} | a {colour} {thing} | a {size} {thing}",
    "the_person": "the {person} | the {person} | the {look_person} {person}",
    "the_people": "the {people} | the {look_person} {people}",
    "a_person": "a {person} | a {look_person} {person}",
    "the_place": "the {place} | the {look} {place}",
    "a_place": "a {place} | a {look} {place}",
    "a_look": "a {look}",
    "where": """in the {place} | near the {place} | behind the {place} | at the {place} of {town}
        not far from {town}
        outside the {look} {place} | beside the {thing} | between the {place} and the {place}
        under the {thing}""",
    "when": """in {month} | on {weekday} | every {weekday} | before breakfast | after midnight
        all day long | at {clock}
        in the morning | for {number} hours | before the {ordinal} {thing} | that evening | long ago""",
    "when_next": "tomorrow | on {weekday} | next year | before noon | in {number} days | tonight",
    "with_stuff": "with {stuff} | without {stuff} | with a {thing} | for a {thing} | instead of {stuff}",
    "often": "always | often | sometimes | never | usually | rarely | seldom | hardly ever",
    "compound": """{thing}-{maker} | {stuff} {thing} | {colour}-{colour} {thing}
        {number}-year-old {thing} | {un_look} {thing}""",
    "maker": "maker | seller | keeper | owner | shop | box | room | story",
    "feeling_it": """easy | hard | pleasant | useless | wonderful | dangerous | harmless | impossible
        delightful""",
    "un_look": """unbroken | unfinished | unopened | unpainted | unwanted | unknown | unused
        unhappy-looking | colourless
        nameless | endless | careless | beautiful | wonderful | colourful | powerful | breakable
        washable | readable""",
}


def split(text: str) -> list[str]:
    """The alternatives of a rule; a line break separates them as `|` does."""
    return [part.strip() for line in text.strip().splitlines() for part in line.split("|")]


GRAMMAR = {name.lower(): split(text) for name, text in RULES.items()}
SHAPES = split(SENTENCES)
