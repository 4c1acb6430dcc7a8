"""Pairs of neighboring letters by language, for telling encodings apart (`encoding_guess`).

Each has a letter beyond ASCII; a space is the begin or end of a word. After a digit n follow pairs that are
about 1 in 2 ** n of all such pairs of the language (n at most 9).

Counted in the word profiles of langdetect 1.0.9 (Apache-2.0; abstracts of Wikipedia); Icelandic, Serbian,
Belarusian and Vietnamese in sentences written for it. `tests/benchmarks/encodings.py` measures the effect.
"""

PAIRS = {
    "de": (
        "4ürfü5änörrüünhööstäübßeätühüd6 üsüläräähröärmähä öäuälußäcköücönwä7zöoßßbaßüsütäsößfäöhsätü"
        "päßtägäföfölépdékühümünöädlü8 äömeßißzäügmö"
    ),
    "fr": (
        "4é à  àré éée5déténéérétécés6égnçuéméçaséépédièèrléénpé7évélcéémgéhéiééarèèsfééoèmèc8ébpèêt"
        "éfvéèttèéélèéqbé9ôtêmènâtmèmêègaîîl îûtoûcèçoaïhèrê êœuù oùrôèv"
    ),
    "es": (
        "3ónió5íaaññoó máán6tóríñaénésáslítá áérísínié7tíráítméá eñdírógéúnléállótéícaííoé árátcéác8"
        "láí ólgíórmúsípúcíúbúsnídénóétmóóm éógécéléx úuíeóímcóuénéfísézópóífút"
    ),
    "pt": (
        "3é ão é5çãaçár á6iãsãróçaínnç7õeênécóiérânrítóêslíiç àcíá víémípórpétáà ílmíísçõçosétéráíoít"
        "8béuíónídálmélóôntíaílágêtâícrçnãtãátnáúsuêréétlémãásímeç9uçrãcçóprêól"
    ),
    "it": "2è  è3à tà5ù iùò 7é ì ",
    "nl": "2iëë 4éné 5 éréééné",
    "sv": (
        "3är4 äfööröd5å änånpåråvä6läårdörä öäsäl å7ättäägådsånäsäävvåjäösgåhöröämåtmäövkäålsöäktögö"
        "lå8måtåönjöågdähäötköfäögkåöpåklöhåböö äxädöldåöm9åsäpnåmöäcbäfåökbåöjnöåvåe"
    ),
    "da": (
        "4å påørær5føårødrævææn6 øøssålææsælådsøtøøbrø åægkøækønmåråsæøjløhø7døåntåtæætgånælåålølmæfæ"
        "ædø øgkæøvjæøeåe8hægøbø æævhåømnåjøåbbæbåmøpæ9åsfådæøk"
    ),
    "fi": (
        "3ä tä4läääänsä5jäkämävääiärälnä6äsyöpääyämäkättöähävösiähä7önö äjräiö8lööiköäpökötäo äeäöläe"
        "dä9yäöyörnöäaöööhöm"
    ),
    "ca": (
        "3és4 éó ió5èsà 6cèé líèntà7ànméí ínlàçatòbéràmíónísònmàtíríílítiàècàrèr ànçòrlèpèsóròím8rèíc"
        "lòtóàcnèàtgèmèténíréúsvícààsàldèè uïtèò uèòluíç ètrçnà9òmpúúbòscòmúsèòp"
    ),
    "pl": (
        "5łoówącięołłaą ałjąośę 6ścożódeśńsżowó śóriął ć rósłtółu7głańś ząeżśćłyżyzęółłóyłśwędżepóńc"
        "śrkóżaoń ł żkł8użgóądrąętłeślągnąiłążż łnińżntęjęęcśneńęśązń kąępóldłpłwł"
    ),
    "cs": (
        "4í ní5é á ý 6kéněě řená číckýpřýcváčerávýnýán7řícíů ímnééhálvějíměkávéšíž zážečnýmémláěttřtí"
        "áttěač8tářitéožázděvíásávuž řžímíži úči žádrýěníh šěsíkréečořělísmáárhádá"
    ),
    "sk": (
        "5á ý é nýná6ýcnérávýký čí éhú  š7ť káčakéjúeľálzáríníýmsúárštváčnácočsťtáčečižiátávačrýši ž"
        "ľaúc úrélámáádužžetíožán8ínvéívímežháícažtéíkšežnľoémšíičtúámžíúzónčíístý"
    ),
    "hu": (
        "5ésál éárán6ásó táköülláéntéábégzájáélágvárásémáözékő sá7léérnéítát ákézóréétzétóákörvéébló"
        "évépméóllőtőádű yáféró8töjénáiárüdégéősönzögáőlháötióú írölműkásőám öövző"
    ),
    "sl": (
        "4šk5iččiiščn šče žašočča čže6žiščštačečžubčžaežožšiužeššeršč žnoš7jššačjižržčumščkučšndž8uš"
        "nččlšpčražžjž žbnššo9ićzšáršlšjánénrčvčlémálžć švš mčvšrádšérnžćiínújčoásvá"
    ),
    "hr": (
        "4iččk5aččištčn č šžaiš žćičeuž6čažiučočržećžećaeđaššižnešćešnškđeđuoščjićpćeč7ožšeušućžuađać"
        "ažšačuć ršrčežđač ođšć8š ćuiždžžbá oć9špé šlšuа čljč"
    ),
    "ro": (
        "3ă  î4înţişi ş5tăâncăaţ6nărăărnţmâlăştsăeş7aşpăătzămăţaeţiţţăţeăscţcâţuăţ8ş râişşurţuţgăbăşe"
        " ţvăpâăutâvâârăldăâu9ăzşafăuăîmănămâtăcuşăişooşădşcţ ăşoţlţfââmăpnârşâşsââl"
    ),
    "sq": ("2ë 3tënë4ësër5pëjë ërëënmësë6këhëqëët7lëdëbëëmvë8ëv çgëzë9ëlcëëzëpçmëheççafëëdçeëjiççiç アアçë"),
    "ru": (
        "6а и  пст в сй я е 7ранано ио никоенров ансков керго оор нодретооспотали мль ркапр гныритем "
        "олалин дво8вакилеесх омт ойелтионвеогетар амеатисийит тнедалоотланниясо"
    ),
    "uk": (
        "6а наі стен пан7 ву ніо коя ра н с дтанонии роонти зер раловьк мй  уї  тліосв регольвіарог і"
        "орня комціх 8нн окидевасьийідю виь топозаатих атепадот туміівінка фриав"
    ),
    "bg": (
        "5а наи 6е  н со  пниен ира осттат 7 ваттоан етерискка кияотрен лия в ноит двакиинкопр марпо"
        "ор г реровро8тиелве аалолсеетед бма тлеоннезаиздиикмевоодлалоисдеавосви з"
    ),
    "mk": (
        "4а 5наи 6о е  н с патта ит  в7ниво острајаоткотетоод ккаенанск ериварекилиинитпосе дијнод  г"
        " мтирон провар8ет бероредисмаалделеел тлаон а зве рилмеојвиосолдозацииосо"
    ),
    "el": (
        "5ς  τ6τοουα ν ι ο  α σαιτη π κυ στικ7 ετακαη  μναποαν οηςε ό είτιίαροιαερμεριή μα δ8ρααςοςην"
        "ατνοοναπειων γαρίνούιοτεντπόμοά κόετλοισ ηκοδικήολ έσεασνιπασηοικεπρρίαλ"
    ),
    "tr": (
        "4ı ın5lınıırsırııldı6ünyıürtıaş çişmıağışştkış tü7 ü öık şımdüğışaüzçiğiçemüü ölülşiümğuiçön"
        "gülüısöruşiğeşçağlgöyüşıükığnüoğfı8böıdşebüşlözcıpırüıyküçışmzıız ıuğeğ"
    ),
    "he": (
        "5 הת ה  ב6ם  מי ל  ש אותר ים7ן  לית וניו ריליורא בישליורוולמואוייהינוהמיההו ע י8ונואברמי כד "
        "דיאיב לו נבוינובפר פומירשיאלוןקומשדועל ק סראבאיקפויאילשו ר חטיפייד גנהלה"
    ),
    "ar": (
        "4ال ا5ة 6ي  من  و7يةا  ف بفيلمم  أر د ل من عانت وا تريليلا لو ماينى ات8ياديب بااره نيرا يول"
        "ام هها كبيلألع إلتع نايرعا سلىعلميونسي حورلكرةس برادكا قلداس ن9ابويلسهولب"
    ),
    "fa": (
        "5ه  اي 6ر ن اران ش دست م ب کايد ت  واسو  س7درياينا  هسيراميماهادهف شدک تاازز ري آ نرکبر تل 8"
        "باالکش رکهره ۱امشفم داندبه يروورشمادسا پوانيوديکنهنايرردجاليدي گاهوي ج"
    ),
    "ur": (
        "5 کے  اي 6 مر ا  ہہ ں يںانمي س7 ب جن کےياورکيہے تت الو  پم اراسل کااوريات نسےس  و د8تاامد لي"
        "ہوماايک  ي عرالاوا شجانيکوہييک لنےباائ رديادناوںکہب يہکرداتي آ حسي"
    ),
    "lt": (
        "3ų 4ės5ių šė nėiščiši6 įžią į  žtųėjškrėdž7ūrlėštžejųš nųkšbėaššapėaždėtėę vėkųšekėežešmė8ūn"
        "nčužtūžaėllųsėrųrūmąbūmųšvęssąėnkūečščėtiūjūsčršačįsičyč čjąžužngėtą9šožoėm"
    ),
    "lv": (
        "4ā 5tākā6nāāsrāārjārītīībākālšalāētātmāāmlīēj7īgpēzīājērvēītī pāvādāācād šmēīvīdģitēē ānošdī"
        "ūrešļagānīņulēēmiņēlsēaļļu8eļšuīmāvbāīsšiīnņasācīdēķirēašnēēkežkštūš iāšķ"
    ),
    "et": (
        "4õi5ärvõ üsüväüh6ääülmäünänpõäiõhjäläähtämõõupäkõsõõrälöö7jõküüülõük õüsäeõlõnnälüõeõttöümõj"
        "käõp8nõtõrütštü äägütürpüäshäõõовäbõgmüüd9äträüpödötвиhõörhüа füанй ичч  š"
    ),
    "th": (
        "7องี่ารระ เทีเป็นป็กา่อใน่าางือน ัน8้าาย่งานียแลปรขอละากร์ื่มีามรามา์ กรง  แนเงเักับา ะเั้้น"
        "รันทังตรพรวัรืครอยเมภาริด้กัหนรีงกนาาว9หร้งเรินเทอนตั้อ หอก่นลาอ นกเก พ"
    ),
    "vi": (
        "5 điêươ6ờà ố́ṭchôớ̀ńn̉ ạhàtôủấế́ ̃ ̉aảôiônộ̀ịn7hưvàácề́ỉị ̣tãhâsáàyânđađiợ"
        "̀ cócôdâháuôụvơầênểệó đừủṇi8 ơgưịmônàỏọrâsôànàoá đêởữử́c̣pcácâcùgàhêhíhúiálàlơ"
        "mơnănưrưsưuáuâàiánậínồùnúnămằđâđôứ̃n̉m9 â ê ô ăbàbêbôbăbơbư"
    ),
    "is": (
        "3ð 4aðið þ5 íá í  áði6rððuþehúsíðaþaeðfójójöæríðólölús7 ébúgólömáséuðætégímísókóróðögörú ún8"
        " æ ö úbóböfáfæfðgægðgúhæhöjúkólælélímænánþrárérírútítótötúágálárátáðægælék"
    ),
    "sr": (
        "4е 5а и о 6 су је д н п ј о уна7 кдато б инираваијовсе м тадвелинеодре з рбивоенишколан ојпа"
        "р свтишт8 шакаланаовигадидозакам монопопрст а васгод дедуересетивилинитлу"
    ),
    "be": (
        "5е а 6і  п ня ў  мкананераы  а б дадал7 к ўніпр сдоу  іаяаўвелем мао оўпары в г заеанарацва"
        "дадззазелаліміожсксятаус8 у шабазбабывыгагуй кольн ннобовросёцыцьчачнырь "
    ),
}
