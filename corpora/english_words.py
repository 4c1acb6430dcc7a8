"""The English lexicon: one table of words a topic, and the words that fit everywhere.

A topic says who acts (``people``), on what (``things`` that can be counted, ``stuff`` that cannot), where
(``places``), what they do (``acts`` take a thing, ``moves`` take nothing) and what things are like
(``looks``)."""

TOPICS = {
    "market": {
        "people": """trader baker butcher customer grocer pedlar florist cobbler weaver porter merchant
            shopper cashier""",
        "things": """apple potato carrot onion basket barrel crate coin turnip cabbage lemon melon plum
            pumpkin scale awning candle blanket ribbon button receipt parcel bargain price sack jar egg
            pear radish""",
        "stuff": "honey cheese wool silk leather pepper cloth fruit change",
        "places": "stall market square warehouse counter corner arcade bakery shop alley auction cellar",
        "acts": "weigh sell buy wrap pack count unload price sort stack trade order deliver display choose",
        "moves": "haggle bargain queue shout whisper gossip",
        "looks": "ripe cheap fresh costly rotten crisp plump sour striped woven second-hand wholesale",
    },
    "sea": {
        "people": """sailor captain fisherman pilot diver mate lighthouse-keeper pirate harbourmaster
            rower swimmer boatman""",
        "things": """boat anchor sail net rope lantern oar mast compass chart buoy shell wave gull whale
            crab seal dolphin raft paddle hook flag deck hull tide lifeboat starfish oyster lobster pebble""",
        "stuff": "seaweed salt foam sand driftwood spray tar cargo",
        "places": "harbour beach pier lighthouse island bay cabin cove dock strait reef lagoon",
        "acts": "steer haul mend launch spot lower raise tow coil drag rescue patch paint salvage anchor",
        "moves": "drift float dive row swim sink fish",
        "looks": "salty calm deep stormy sunken rusty weathered distant tidal sandy seaworthy barnacled",
    },
    "kitchen": {
        "people": """cook chef waiter guest dishwasher host apprentice aunt innkeeper confectioner
            brewer nephew""",
        "things": """pot pan spoon knife plate bowl kettle oven recipe cake pie pancake loaf dumpling
            sausage tomato mushroom cup saucer fork tray lid noodle biscuit sandwich stew pudding ladle
            apron cupboard""",
        "stuff": "flour butter sugar soup rice bread garlic milk broth jam vinegar cinnamon dough gravy",
        "places": "kitchen pantry table dining-room inn canteen fireplace cafe tavern larder",
        "acts": "stir bake fry boil taste chop peel slice season roast serve burn knead cool heat",
        "moves": "eat dine cook drink chew sip",
        "looks": "hot sweet bitter tasty greasy spicy creamy tender juicy stale crunchy lukewarm",
    },
    "science": {
        "people": """scientist chemist physicist biologist astronomer geologist assistant inventor
            botanist researcher explorer""",
        "things": """microscope telescope flask magnet planet crystal fossil sample theory experiment
            lens atom cell comet thermometer formula molecule battery beaker skeleton prism meteor orbit
            sensor vaccine insect glacier hypothesis measurement""",
        "stuff": "oxygen mercury energy gravity light evidence data copper carbon steam",
        "places": "laboratory observatory museum greenhouse institute desert crater archive field-station",
        "acts": """measure observe test examine prove discover analyse label compare predict record
            dissolve magnify""",
        "moves": "experiment calculate think reason investigate speculate",
        "looks": """precise magnetic invisible tiny ancient radioactive accurate solid liquid
            transparent puzzling rare""",
    },
    "school": {
        "people": """teacher pupil student librarian headmaster professor classmate caretaker tutor
            scholar examiner beginner""",
        "things": """book pencil notebook lesson question answer essay desk map dictionary sentence
            chapter page poem blackboard schoolbag ruler exam timetable mark riddle alphabet spelling
            globe satchel certificate textbook bookshelf puzzle""",
        "stuff": "homework chalk ink paper grammar arithmetic geography knowledge handwriting",
        "places": """classroom library playground corridor schoolyard gym hall university lecture-room
            dormitory""",
        "acts": """read write copy learn study correct explain memorise borrow underline translate erase
            recite teach""",
        "moves": "study learn listen yawn cheat giggle daydream",
        "looks": "difficult easy clever long short blank neat useful boring clear tricky thoughtful",
    },
    "travel": {
        "people": """traveller guide driver conductor tourist passenger pilgrim cyclist hiker stranger
            nomad courier""",
        "things": """train ticket suitcase passport road bridge bus bicycle map tunnel mountain village
            hotel backpack postcard camera tent signpost valley river border souvenir wagon path journey
            carriage engine wheel milestone timetable""",
        "stuff": "luggage petrol dust mud money scenery traffic",
        "places": """station airport hostel platform crossroads campsite border summit motorway
            countryside waiting-room""",
        "acts": """pack miss follow cross photograph climb explore book repair park load push visit
            leave reach""",
        "moves": "travel hike wander cycle rest hurry arrive depart camp",
        "looks": "foreign narrow steep winding crowded remote dusty scenic famous late heavy overnight",
    },
    "weather": {
        "people": """farmer forecaster shepherd gardener neighbour postman roofer skier walker child
            woodcutter beekeeper""",
        "things": """cloud storm rainbow umbrella puddle roof window snowman icicle raincoat shadow leaf
            tree field barn sheep fence gate thunderstorm snowflake sunrise sunset weathercock chimney
            glove scarf hedge orchard haystack beehive""",
        "stuff": "rain snow wind fog frost hail sunshine ice thunder mist drizzle moonlight",
        "places": "meadow garden hill farm forest porch yard pasture hillside woodland barn",
        "acts": "watch cover plant water sweep shovel dry forecast shelter gather pick shake fear chase",
        "moves": "shiver sneeze sweat wait slip freeze",
        "looks": "cold wet windy cloudy sunny misty frozen gentle mild damp bright humid",
    },
    "computers": {
        "people": """programmer engineer analyst hacker designer tester clerk user operator manager
            technician gamer""",
        "things": """computer program keyboard screen file folder password server robot cable button
            error bug chip network message website laptop printer loop database token symbol algorithm
            spreadsheet backup update processor window prompt""",
        "stuff": "code memory software electricity hardware bandwidth text output",
        "places": "office workshop server-room basement factory helpdesk start-up conference attic",
        "acts": """type delete print install debug save copy upload download encrypt test restart unplug
            search compile""",
        "moves": "type code debate click argue swear",
        "looks": """slow fast digital broken modern empty virtual open-source automatic faulty wireless
            outdated""",
    },
    "music": {
        "people": """singer violinist drummer pianist composer dancer listener choirboy flautist
            organist trumpeter busker""",
        "things": """song violin drum piano guitar trumpet flute melody concert choir note stage ballad
            waltz string record microphone audience curtain symphony tune rhythm bell accordion lullaby
            march chord cello harp encore""",
        "stuff": "music applause silence jazz harmony noise opera",
        "places": """concert-hall stage theatre bandstand church studio balcony opera-house ballroom
            rehearsal-room""",
        "acts": """play sing compose tune hum practise rehearse perform record hear conduct applaud
            whistle admire""",
        "moves": "sing dance clap rehearse bow whistle hum",
        "looks": "loud quiet lively solemn slow gentle catchy mournful shrill melodious out-of-tune festive",
    },
    "history": {
        "people": """king queen soldier knight emperor historian monk peasant messenger prince general
            judge villager""",
        "things": """castle sword crown letter treaty tower statue coin battle throne shield scroll ruin
            tomb palace legend horse law invention portrait banner cannon chronicle city-wall temple
            mosaic document war kingdom ditch""",
        "stuff": "gold iron peace justice marble bronze parchment freedom",
        "places": """castle court monastery battlefield cathedral village abbey fortress palace
            courtyard dungeon""",
        "acts": """build rule defend attack conquer bury sign forge destroy guard inherit seal restore
            describe steal""",
        "moves": "march fight pray kneel surrender rebel flee",
        "looks": "royal medieval wooden golden ruined noble brave secret holy bloody forgotten legendary",
    },
}

WOMEN = """Anna Mira Clara Ada Grace Nora Ruth Elena Sofia Ines Leila Maya Helen Judith Yuna Priya Amara Tove
    Bridget Olga Rosa Ellen"""
MEN = """Oliver Samuel Jonas Felix Arthur Hugo Ravi Tom Victor Emil Omar Peter Daniel Kofi Marek Simon Walter
    Bruno Henry Ivan Otto Leo"""
TOWNS = """Brackwater Eldham Northmere Saltby Highmoor Greywick Ashford Lindow Merrow Oakhaven Redcliff
    Stonegate Thornby Westbury Millbrook Fernley Harrowgate Windle"""
RELATIVES = (
    "brother sister father mother uncle aunt cousin friend grandfather grandmother daughter son landlady"
)
MONTHS = "January February March April May June July August September October November December"
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
NUMBERS = """two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen twenty
    thirty forty fifty sixty seventy eighty ninety"""
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth last"
COLOURS = (
    "red blue green yellow white black brown grey purple orange pink silver violet crimson turquoise amber"
)
SIZES = "big small huge little large enormous miniature medium-sized"
GENERAL_LOOKS = """old new young strange lovely plain round flat thick thin strong weak warm soft hard
    rough smooth light dark clean dirty sharp dull shiny pretty ugly curious simple careful hidden lost
    borrowed favourite expensive tall dry fragile sturdy crooked polished dented familiar unusual
    priceless worthless handmade"""
MANNERS = """quick slow careful quiet loud proud brave gentle eager patient polite rude kind clever
    stubborn cheerful sad angry nervous calm secret silent playful graceful clumsy honest firm
    wise foolish lazy bold sweet bitter hopeful tender thoughtful restless greedy humble modest generous
    serious skilful awkward tireless cautious thankful hasty merry fierce shy bright sleepy hungry"""
FEELINGS = """happy sad tired proud angry hungry sleepy nervous curious hopeful lonely lucky ashamed
    thirsty ready certain cheerful grateful jealous calm brave homesick"""
ABSTRACT = """patience courage luck wisdom curiosity pride hope beauty truth experience advice progress
    laughter trouble work friendship imagination kindness common-sense time hunger sleep tradition
    honesty humour education"""
GENERAL_ACTS = """find lose carry want need like love hate bring take keep hide draw describe touch
    forget remember move lift drop hold look-for show give-away share notice break fix clean collect
    recognise receive admire inspect replace protect ignore imagine throw catch cut pull open close turn
    hand-over"""
GENERAL_MOVES = """laugh smile sleep wake wait sigh walk run stop talk sit stand fall return leave nod
    stay cry work play dream disappear hesitate agree complain apologise stumble blush frown tremble
    wink snore mumble"""
SAYING = "say ask reply shout whisper mutter answer laugh explain insist add murmur cry announce remark warn"
DIALOGUE_WORDS = """perhaps certainly maybe indeed unfortunately luckily frankly naturally apparently
    obviously surely usually sometimes soon finally meanwhile still
    eventually nowadays today hopefully thankfully honestly clearly"""


def pairs(text: str) -> dict[str, str]:
    """Space-separated ``key:value`` items as a table."""
    return dict(pair.split(":") for pair in text.split())


QUALITIES = pairs("""
    patient:patience proud:pride wise:wisdom honest:honesty brave:bravery silent:silence modest:modesty
    generous:generosity humble:humility hungry:hunger angry:anger secret:secrecy cautious:caution
    merry:merriment
""")
IRREGULAR_PLURALS = pairs("""
    knife:knives loaf:loaves leaf:leaves sheep:sheep child:children man:men fisherman:fishermen
    boatman:boatmen postman:postmen snowman:snowmen bookshelf:bookshelves starfish:starfish
    hypothesis:hypotheses scarf:scarves potato:potatoes tomato:tomatoes crossroads:crossroads
""")
# infinitive:past,participle
IRREGULAR_VERBS = pairs("""
    sell:sold,sold buy:bought,bought choose:chose,chosen swim:swam,swum sink:sank,sunk eat:ate,eaten
    drink:drank,drunk think:thought,thought read:read,read write:wrote,written leave:left,left
    sweep:swept,swept shake:shook,shaken freeze:froze,frozen sing:sang,sung hear:heard,heard
    build:built,built steal:stole,stolen fight:fought,fought kneel:knelt,knelt flee:fled,fled
    find:found,found lose:lost,lost bring:brought,brought take:took,taken keep:kept,kept hide:hid,hidden
    draw:drew,drawn forget:forgot,forgotten hold:held,held show:showed,shown give:gave,given
    break:broke,broken throw:threw,thrown catch:caught,caught cut:cut,cut sleep:slept,slept
    wake:woke,woken run:ran,run sit:sat,sat stand:stood,stood fall:fell,fallen say:said,said
    teach:taught,taught swear:swore,sworn forecast:forecast,forecast """)
# Verbs that double their last consonant before -ed and -ing.
DOUBLED = frozenset(
    pairs("""
        chop:p clap:p cut:t debug:g drag:g drop:p forget:t hum:m label:l nod:d rebel:l run:n sip:p sit:t
        slip:p spot:t stir:r stop:p swim:m travel:l unplug:g wrap:p
    """)
)
