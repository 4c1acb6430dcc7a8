"""The cue expressions of the emotion data set: what a person feels, and what it looks like from outside.

English has three lists an emotion: adjectives ("i felt glad"), nouns ("a wave of joy"), and clauses ("my face
lit up"). Korean has adjective stems, verb stems (each may be a phrase, joined by ``_``) and nouns.
"""


def cut(text: str) -> list[str]:
    """Words of a block of text; ``_`` stands for a space inside a phrase."""
    return [word.replace("_", " ") for word in text.split()]


def lines(text: str) -> list[str]:
    """Phrases of a block of text, separated by commas."""
    return [" ".join(phrase.split()) for phrase in text.split(",") if phrase.strip()]


ENGLISH = {
    "joy": {
        "adjectives": cut("""
            happy cheerful joyful delighted glad merry overjoyed elated thrilled jolly blissful content
            pleased radiant lighthearted jubilant ecstatic upbeat triumphant gleeful exhilarated buoyant"""),
        "nouns": cut("""
            happiness joy delight gladness bliss cheer elation glee pleasure contentment jubilation merriment
            euphoria satisfaction"""),
        "clauses": lines("""
            i could not stop smiling, i danced around the kitchen, i laughed until my sides hurt,
            i whistled all the way home, my heart sang, i skipped down the stairs, i hummed my favourite tune,
            i threw my hat in the air, i grinned from ear to ear, i clapped like a child, my face lit up,
            i jumped up and cheered"""),
    },
    "sadness": {
        "adjectives": cut("""
            sad gloomy miserable heartbroken sorrowful unhappy lonely downcast mournful hopeless depressed
            dejected tearful wistful grieving melancholy forlorn despondent heavyhearted crushed homesick
            disconsolate"""),
        "nouns": cut("""
            sadness sorrow grief gloom misery despair heartache loneliness dejection mourning unhappiness
            hopelessness homesickness emptiness"""),
        "clauses": lines("""
            i cried into my pillow, tears ran down my cheeks, i sat alone in the dark,
            i could hardly get out of bed, i wept without a sound, i stared at the empty chair,
            my shoulders sank, i sobbed on the bus, a lump rose in my throat, everything looked grey,
            i lost all my appetite, i buried my wet face in a towel"""),
    },
    "anger": {
        "adjectives": cut("""
            angry furious irritated annoyed enraged outraged bitter cross mad livid resentful indignant fuming
            grumpy hostile infuriated irate exasperated offended seething vengeful spiteful"""),
        "nouns": cut("""
            anger rage fury irritation annoyance outrage resentment indignation wrath hostility frustration
            bitterness exasperation spite"""),
        "clauses": lines("""
            i slammed the door, i clenched my fists, i shouted at the wall, i kicked the bin, my blood boiled,
            i tore the paper to pieces, i banged on the table, i ground my teeth, i stormed out of the room,
            i hurled the phone down, i swore under my breath, i yelled at the driver"""),
    },
    "fear": {
        "adjectives": cut("""
            afraid scared terrified frightened anxious nervous worried panicky uneasy fearful petrified
            alarmed jittery horrified timid tense apprehensive spooked threatened paranoid shaky
            intimidated"""),
        "nouns": cut("""
            fear terror dread panic anxiety worry horror nervousness fright alarm unease apprehension
            trepidation foreboding"""),
        "clauses": lines("""
            my hands would not stop shaking, i hid under the blanket, my knees trembled,
            i checked the lock three times, cold sweat ran down my back, i froze on the spot,
            i could not breathe properly, my pulse raced with every creak, i kept looking over my shoulder,
            i slept with the light on, a chill crept up my spine, i wanted to run away"""),
    },
    "love": {
        "adjectives": cut("""
            loving affectionate tender adoring devoted caring fond smitten infatuated passionate romantic
            enamoured besotted doting attached warmhearted lovestruck compassionate amorous beloved
            protective cherished"""),
        "nouns": cut("""
            love affection tenderness devotion fondness adoration warmth passion closeness infatuation
            intimacy romance compassion attachment"""),
        "clauses": lines("""
            i held her hand all night, i kissed him on the forehead, i wrote her name everywhere,
            i hugged my mother tightly, i could only think of her eyes, i wanted to stay by his side forever,
            my heart melted at his voice, i wrapped my arms around him, i stroked the hair of my baby,
            i wanted to marry her, i carried her picture in my coat, i whispered sweet words to him"""),
    },
    "surprise": {
        "adjectives": cut("""
            surprised amazed astonished shocked stunned startled dumbfounded speechless astounded baffled
            flabbergasted dazed bewildered staggered thunderstruck stupefied perplexed dumbstruck awestruck
            incredulous puzzled nonplussed"""),
        "nouns": cut("""
            surprise amazement astonishment shock wonder bewilderment disbelief incredulity bafflement awe
            puzzlement stupefaction perplexity wonderment"""),
        "clauses": lines("""
            my jaw dropped, i could not believe my eyes, i rubbed my eyes twice, i gasped out loud,
            i had not seen it coming, my eyebrows shot up, i had to read the line again and again,
            i nearly fell off my chair, i blinked at the screen, i pinched my own arm, words failed me,
            my eyes went as wide as plates"""),
    },
}

KOREAN = {
    "joy": {
        "states": cut("""
            기쁘 행복하 즐겁! 흐뭇하 뿌듯하 유쾌하 흥겹! 상쾌하 만족스럽! 마음이_가볍! 날아갈_듯하 더없이_좋
            경쾌하 벅차 흡족하 반갑! 홀가분하 명랑하 자랑스럽!"""),
        "acts": cut("""
            신나 웃음이_터지 콧노래가_나오 어깨춤이_나오 입꼬리가_올라가 환호성이_나오 깡충깡충_뛰 손뼉을_치
            미소가_번지 배꼽을_잡 휘파람을_불 두_팔을_번쩍_들 노래를_흥얼거리 덩실덩실_춤을_추"""),
        "nouns": cut("""
            기쁨 행복 즐거움 환희 흐뭇함 만족감 희열 유쾌함 신명 쾌감 보람 흥겨움 뿌듯함 반가움"""),
    },
    "sadness": {
        "states": cut("""
            슬프 우울하 외롭! 서럽! 쓸쓸하 허전하 서글프 처량하 비참하 절망스럽! 침울하 가슴이_아프
            마음이_무겁! 울적하 애통하 괴롭! 구슬프 고독하 암담하"""),
        "acts": cut("""
            눈물이_나 울음이_터지 한숨이_나오 목이_메 베개를_적시 가슴이_미어지 어깨가_처지 눈시울이_붉어지
            밤새_흐느끼 기운이_빠지 빈자리를_바라보 고개를_떨구 소리_없이_울 눈물을_삼키"""),
        "nouns": cut("""
            슬픔 우울 외로움 서러움 비탄 쓸쓸함 허전함 절망 눈물 상실감 서글픔 비애 고독 한숨"""),
    },
    "anger": {
        "states": cut("""
            분하 억울하 짜증스럽! 괘씸하 불쾌하 못마땅하 얄밉! 원망스럽! 성가시 노엽! 몹시_언짢 아니꼽! 고깝!
            화가_치밀_것_같 약이_오를_것_같 지긋지긋하 꼴도_보기_싫 속이_뒤집힐_것_같 밉살스럽!"""),
        "acts": cut("""
            화가_나 짜증이_나 열을_받 이를_갈 문을_쾅_닫 주먹을_쥐 고함을_지르! 분통이_터지 속이_끓
            책상을_내리치 성질이_나 욕이_나오 울화가_치밀 발을_구르! 부아가_나"""),
        "nouns": cut("""
            분노 짜증 노여움 울분 격분 원망 불쾌감 울화 억울함 괘씸함 성질 적개심 화 분통"""),
    },
    "fear": {
        "states": cut("""
            무섭! 두렵! 불안하 초조하 걱정스럽! 섬뜩하 오싹하 조마조마하 으스스하 공포스럽! 위태롭! 염려스럽!
            끔찍하 스산하 음산하 아찔하 불길하 겁에_질릴_것_같 도망치고_싶"""),
        "acts": cut("""
            겁이_나 손이_떨리 다리가_후들거리 식은땀이_나 소름이_돋 이불_속에_숨 등골이_서늘해지 숨이_막히
            심장이_쿵쾅거리 몸이_얼어붙 뒷걸음질을_치 문을_몇_번이나_잠그 도망을_치 간이_콩알만_해지"""),
        "nouns": cut("""
            두려움 공포 불안 걱정 겁 무서움 초조함 공포심 불안감 근심 긴장감 섬뜩함 오싹함 위기감"""),
    },
    "love": {
        "states": cut("""
            사랑스럽! 애틋하 다정하 정답! 그_사람이_좋 꼭_안아_주고_싶 곁에_있고_싶 아껴_주고_싶 손을_잡고_싶
            살뜰하 한없이_소중하 보듬어_주고_싶 그이만_보고_싶 귀엽! 그_애가_예쁘 결혼하고_싶 정겹!
            평생_함께하고_싶 입을_맞추고_싶"""),
        "acts": cut("""
            사랑에_빠지 첫눈에_반하 그_사람에게_끌리 정이_들 그_사람_생각에_설레 마음을_빼앗기 볼에_입을_맞추
            살포시_껴안 사랑을_고백하 연애편지를_쓰 머리를_쓰다듬 가슴이_콩닥거리 애정을_쏟 팔짱을_끼"""),
        "nouns": cut("""
            사랑 애정 애틋함 연정 다정함 설렘 첫사랑 애착 사모함 정 연모 사랑스러움 애정_어린_마음 짝사랑"""),
    },
    "surprise": {
        "states": cut("""
            놀랍! 당황스럽! 신기하 황당하 어리둥절하 얼떨떨하 경이롭! 의아하 믿기_어렵! 당혹스럽! 얼얼하
            어안이_벙벙하 어리벙벙하 희한하 멍하 뜻밖이라_얼떨떨하 상상_밖이라_아리송하 기상천외하
            눈을_의심하고_싶"""),
        "acts": cut("""
            깜짝_놀라 눈이_휘둥그레지 입이_떡_벌어지 말문이_막히 눈을_비비 숨을_헉_들이쉬 귀를_의심하
            화들짝_놀라 볼을_꼬집 자리에서_벌떡_일어나 까무러치 탄성을_지르! 의자에서_떨어질_뻔하
            넋을_잃 눈이_동그래지"""),
        "nouns": cut("""
            놀라움 경악 충격 당황 경이로움 놀람 의아함 어리둥절함 경이 얼떨떨함 황당함 신기함 당혹감 감탄"""),
    },
}

ENGLISH_DEGREES = lines("""
    so, very, quite, rather, truly, a little, deeply, really, strangely, somehow, more and more, simply, just,
    terribly, a bit, honestly, too""")
ENGLISH_AMOUNTS = lines("""
    a wave of, a touch of, a great deal of, plain, a kind of, a flood of, a burst of, a hint of, a lot of,
    quiet, pure, sudden, some sort of, a moment of""")
ENGLISH_OTHERS = lines("""
    my brother, my sister, my neighbour, my teacher, my uncle, my cousin, the old captain, my best
    friend, the whole class, my boss, my roommate, the coach, my grandmother, the man next to me, the
    girl at the desk""")
ENGLISH_TIMES = lines("""
    on monday, last winter, this morning, yesterday, on the last day of school, after lunch, before breakfast,
    at midnight, in the spring, on my birthday, last week, around noon, in the middle of the night, on
    the train, at the station, in the library, behind the stage, at the market, on the beach, in the
    hospital corridor, in my old town, at the office, in the back garden, on the ferry, that evening,
    all summer, this weekend, during the holidays, on the way back, two days ago""")
ENGLISH_OCCASIONS = lines("""
    when the letter came, when the phone rang, when the results were read out, when the train pulled in,
    when the lights went out, after the meeting, after the long talk with my father, when the doctor
    called my name, when the snow began to fall, as the boat left the harbour, when i opened the parcel,
    when the door opened, when my name was on the list, when i heard the old song, while we waited for
    the bus, when the exam was over, when i saw the house again, after the match, when the guests had
    gone, when the new boss spoke, as the plane took off, when i read her message, when they told me the
    price, when the curtain rose, when the storm passed over us, when i looked at the photo, after the
    second interview, when the dog came back, while the others were packing, when the river rose, when
    we moved to the city, as soon as the bell rang, when the judge gave his answer, when i met my old
    classmates, when the alarm went off, after the concert, when the cake was cut, when my son spoke on
    stage, when the computer started again, when the news was on""")

KOREAN_DEGREES = cut("""
    정말 무척 너무 조금 꽤 참 왠지 진짜로 몹시 자꾸 점점 한동안 무척이나 괜히 은근히 문득""")
KOREAN_URGES = cut("왠지 자꾸 나도_모르게 한동안 문득 괜히 정말 그만 진짜로 바로 이내")
KOREAN_FEELINGS = cut("감정 마음 기분 느낌 심정")
KOREAN_OTHERS = cut("""
    동생 누나 형 친구 이웃 선생님 삼촌 사촌 선장님 짝꿍 부장님 할머니 옆자리_남자 반장 감독님 엄마 아버지""")
KOREAN_TIMES = cut("""
    월요일_아침에 지난겨울에 오늘_아침 어제 점심을_먹고 한밤중에 봄날에 내_생일에 지난주에 정오쯤 기차_안에서
    역_앞에서 도서관에서 무대_뒤에서 시장에서 바닷가에서 병원_복도에서 고향에서 사무실에서 뒷마당에서
    배_위에서 그날_저녁 여름_내내 이번_주말에 방학_동안 돌아오는_길에 이틀_전에 학교_운동장에서
    비_오는_날 버스_정류장에서""")
KOREAN_OCCASIONS = cut("""
    편지를_받았을_때 전화가_울렸을_때 결과가_나왔을_때 기차가_들어왔을_때 불이_꺼졌을_때 회의가_끝나고
    아버지와_이야기하고_나서 의사가_내_이름을_불렀을_때 눈이_내리기_시작했을_때 배가_항구를_떠날_때
    소포를_열었을_때 문이_열렸을_때 명단에서_내_이름을_보고 옛_노래를_듣고 버스를_기다리면서
    시험이_끝났을_때 옛집을_다시_보고 경기가_끝나고 손님들이_돌아간_뒤에 새_부장님의_말을_듣고
    비행기가_뜰_때 문자를_읽고 값을_듣고 막이_올랐을_때 폭풍이_지나갈_때 사진을_보고
    두_번째_면접을_마치고 강아지가_돌아왔을_때 다들_짐을_싸는_동안 강물이_불었을_때 도시로_이사했을_때
    종이_울리자마자 옛_친구들을_만나고 알람이_울렸을_때 연주회가_끝나고 케이크를_자를_때
    아들이_무대에_섰을_때 컴퓨터가_다시_켜졌을_때 뉴스를_보다가 소식을_전해_듣고""")
