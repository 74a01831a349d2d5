"""Names as they are written in twenty languages, and how they are written in an email. Of places and companies, too.

A word has its Latin form behind a colon where that is not the word without its accents: `Олена:olena`. Words are
separated by spaces; `_` stands for a space within one.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Word:
    """A name as it is written, and in Latin letters."""

    text: str
    latin: str


@dataclass(frozen=True, slots=True)
class Language:
    """People who are named in one way. Where family names go by gender, women and men are two of these."""

    code: str
    share: int
    """How many people there are of it, compared to the others."""
    country: str
    given: tuple[Word, ...]
    family: tuple[Word, ...]
    cities: tuple[str, ...]
    companies: tuple[Word, ...]
    """As they are written, and their domain under `.example`."""
    whole: str | None = None
    """What stands between family and given name where people write them in this order; None: the usual order."""


_NO_ACCENT: Final = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "đ": "d", "ı": "i", "æ": "ae"})
"""Letters that stay what they are when accents are taken away."""


def _words(text: str) -> tuple[Word, ...]:
    pairs = (word.replace("_", " ").partition(":") for word in text.split())
    return tuple(Word(one, latin or _without_accents(one)) for one, _, latin in pairs)


def _without_accents(word: str) -> str:
    """The letters and digits of a word in ASCII, without spaces and signs."""
    plain = unicodedata.normalize("NFKD", word.lower().translate(_NO_ACCENT))
    return "".join(sign for sign in plain if sign.isascii() and sign.isalnum())


def _places(text: str) -> tuple[str, ...]:
    return tuple(word.text for word in _words(text))


def _language(
    code: str,
    share: int,
    country: str,
    *,
    given: str,
    family: str,
    cities: str,
    companies: str,
    whole: str | None = None,
) -> Language:
    named = (_words(given), _words(family), _places(cities), _words(companies))
    return Language(code, share, country, *named, whole=whole)


LANGUAGES: Final = (
    _language(
        "en-GB",
        12,
        "United Kingdom",
        given=(
            "Amelia Oliver Isla George Freya Arthur Poppy Alfie Eleanor Callum Imogen Rhys Niamh "
            "Hamish Priya Tariq"
        ),
        family=(
            "Smith Okafor Evans Patel Hughes O'Brien Campbell Whitfield Ahmed Clarke Bennett Fletcher "
            "Adeyemi Hargreaves Doyle Sutton"
        ),
        cities="London Leeds Manchester Bristol Cardiff Glasgow Belfast York",
        companies="Harbour_&_Finch Kettle_Lane_Books:kettlelane Northgate_Tools:northgate Brine_Ltd:brine",
    ),
    _language(
        "en-US",
        14,
        "United States",
        given=(
            "Ava Noah Harper Elijah Madison Mason Zoey Carter Brooklyn Wyatt Nevaeh Jayden Camila "
            "Mateo Aaliyah Levi"
        ),
        family=(
            "Johnson Williams Brown Garcia Miller Davis Rodriguez Washington Nguyen Cooper McAllister "
            "Jefferson Reyes Kowalski Brooks Hernandez"
        ),
        cities="New_York Chicago Austin Seattle Portland Denver Atlanta Albuquerque",
        companies="Acme,_Inc.:acme Blue_Ridge_Outfitters:blueridge Juniper_Labs Sol_y_Luna_LLC:solyluna",
    ),
    _language(
        "de",
        11,
        "Germany",
        given=(
            "Jürgen:juergen Anneliese Lukas Hannah Björn:bjoern Käthe:kaethe Felix Mia Günter:guenter "
            "Sabine Emre Leonie Matthias Ulrike Jörg:joerg Frieda"
        ),
        family=(
            "Müller:mueller Schröder:schroeder Weiß Krüger:krueger Schneider Groß Yıldız "
            "Bäcker:baecker Vogel Köhler:koehler Lindner Jäger:jaeger Hoffmann Busch Schäfer:schaefer"
        ),
        cities="Berlin München Köln Leipzig Düsseldorf Nürnberg Würzburg Lübeck",
        companies=(
            'Kaffeehaus_"Zur_Post":zurpost Söhne_&_Töchter_GmbH:soehne Blumen_Groß Werkzeug_24_AG:werkzeug24'
        ),
    ),
    _language(
        "fr",
        8,
        "France",
        given="Zoé François Chloé Théo Maëlle Loïc Inès Raphaël Élodie Gaël Amélie Hervé Noémie Jérôme",
        family=(
            "Lefèvre Dubois Bérénger Moreau Châtelain Faure Gauthier Benoît Diallo Garçon Rousseau "
            "N'Diaye Le_Goff"
        ),
        cities="Paris Lyon Nîmes Besançon Orléans Saint-Étienne Rennes",
        companies="Pâtisserie_Hélène:helene Éditions_du_Pré:dupre Maison_Noël",
    ),
    _language(
        "es",
        7,
        "Spain",
        given="María José Lucía Íñigo Sofía Andrés Begoña Raúl Carmen Jesús Nuria Óscar Pilar Martín",
        family=("Núñez García Ibáñez Peña López Muñoz Giménez Ortega Vázquez Etxeberria Márquez de_la_Cruz"),
        cities="Madrid Málaga Logroño A_Coruña Cádiz Sevilla",
        companies="Librería_Ñandú:nandu Aceites_Jaén Toldos_Peña",
    ),
    _language(
        "pt",
        4,
        "Brazil",
        given="João Conceição Antônio Luís Inês Gonçalo Flávia Estêvão Beatriz Caetano",
        family="Gonçalves Araújo Conceição Assunção Magalhães Sá Patrocínio Brandão Lourenço",
        cities="São_Paulo Belém Florianópolis Brasília Maceió",
        companies="Padaria_São_João:saojoao Café_do_Sertão:sertao",
    ),
    _language(
        "pl",
        4,
        "Poland",
        given="Łukasz Agnieszka Paweł Małgorzata Michał Józef Grażyna Błażej Zofia Wojciech",
        family="Wójcik Nowak Woźniak Król Zając Wróbel Gołąb Dąbek Kaczmarek Mróz",
        cities="Łódź Kraków Poznań Gdańsk Wrocław Białystok",
        companies="Księgarnia_Żółw:zolw Piekarnia_Źródło:zrodlo",
    ),
    _language(
        "cs",
        2,
        "Czechia",
        given="Jiří Tereza Ondřej Kateřina Tomáš Zdeňka Vojtěch Růžena",
        family="Krejčí Martinů Kočí Dolejší Petrů Hořejší",
        cities="Praha Plzeň Ústí_nad_Labem Třebíč",
        companies="Pekárna_U_Lípy:ulipy Knihy_Šíp:sip",
    ),
    _language(
        "sv",
        3,
        "Sweden",
        given="Åsa Björn Märta Sören Linnéa Göran Elsa Östen",
        family="Åkesson Sjöberg Lindström Öberg Nyström Hallén",
        cities="Stockholm Malmö Göteborg Västerås Örebro",
        companies="Ærø_&_Søn Skärgårdens_Rökeri:rokeri",
    ),
    _language(
        "tr",
        3,
        "Türkiye",
        given="Ayşe Mehmet Gülşah Çağrı Işıl Ömer Şule Uğur",
        family="Yılmaz Öz Çelik Şahin Doğan Güneş Kılıç",
        cities="İstanbul İzmir Eskişehir Şanlıurfa Muğla",
        companies="Çınar_Kitabevi:cinar Gümüş_Fırın",
    ),
    _language(
        "vi",
        2,
        "Vietnam",
        given="Minh_Châu Thị_Hoa Quốc_Bảo Thu_Hà Đức Ngọc_Ánh",
        family="Nguyễn Trần Phạm Đặng Võ Lê",
        cities="Hà_Nội Đà_Nẵng Huế Cần_Thơ",
        companies="Cà_Phê_Sen Gốm_Bát_Tràng:gom",
        whole=" ",
    ),
    _language(
        "uk",
        6,
        "Ukraine",
        given=(
            "Олена:olena Дмитро:dmytro Софія:sofiia Богдан:bohdan Ярослава:yaroslava Тарас:taras "
            "Оксана:oksana Євген:yevhen Леся:lesia Остап:ostap"
        ),
        family=(
            "Коваленко:kovalenko Шевченко:shevchenko Бондаренко:bondarenko Мельник:melnyk "
            "Кравчук:kravchuk Ткаченко:tkachenko Поліщук:polishchuk Лисенко:lysenko Мороз:moroz "
            "Гнатюк:hnatiuk"
        ),
        cities="Київ Львів Харків Одеса Чернівці Івано-Франківськ",
        companies="ТОВ_«Світло»:svitlo Книгарня_«Є»:knyharnia Пекарня_«Хліб»:khlib",
    ),
    _language(
        "sr",
        2,
        "Serbia",
        given="Милица:milica Ђорђе:djordje Љиљана:ljiljana Никола:nikola Јелена:jelena Вук:vuk",
        family=("Петровић:petrovic Јовановић:jovanovic Ђурић:djuric Стојановић:stojanovic Живковић:zivkovic"),
        cities="Београд Нови_Сад Ниш",
        companies="Књижара_Чигра:cigra",
    ),
    _language(
        "el",
        2,
        "Greece",
        given="Αθηνά:athina Ελένη:eleni Κατερίνα:katerina Σοφία:sofia Ιωάννα:ioanna Δήμητρα:dimitra",
        family=(
            "Παπαδοπούλου:papadopoulou Γεωργίου:georgiou Νικολάου:nikolaou Οικονόμου:oikonomou Χατζή:chatzi"
        ),
        cities="Αθήνα Θεσσαλονίκη Πάτρα Ηράκλειο",
        companies="Βιβλιοπωλείο_Άλφα:alpha Ελαιώνες_Κρήτης:elaiones",
    ),
    _language(
        "el",
        2,
        "Greece",
        given="Γιώργος:giorgos Νίκος:nikos Κώστας:kostas Δημήτρης:dimitris Ξενοφών:xenofon",
        family=(
            "Παππάς:pappas Παπαδόπουλος:papadopoulos Αγγελόπουλος:angelopoulos Μυλωνάς:mylonas Ψαράς:psaras"
        ),
        cities="Αθήνα Θεσσαλονίκη Πάτρα Ηράκλειο",
        companies="Βιβλιοπωλείο_Άλφα:alpha Ελαιώνες_Κρήτης:elaiones",
    ),
    _language(
        "ar",
        4,
        "Egypt",
        given=(
            "فاطمة:fatima أحمد:ahmed ليلى:layla محمد:mohamed مريم:maryam يوسف:youssef نور:nour "
            "خالد:khaled هدى:huda عمر:omar"
        ),
        family=(
            "الزهراء:alzahra حسن:hassan المصري:almasry عبد_الله:abdallah الخطيب:alkhatib "
            "سليمان:soliman النجار:alnaggar"
        ),
        cities="القاهرة الإسكندرية الجيزة أسوان",
        companies="مكتبة_النيل:nilebooks بيت_القهوة:baitalqahwa",
    ),
    _language(
        "he",
        3,
        "Israel",
        given="נועה:noa יוסף:yosef תמר:tamar איתי:itai שירה:shira אורי:uri מיכל:michal",
        family="כהן:cohen לוי:levi מזרחי:mizrahi פרץ:peretz ביטון:biton אברהם:avraham",
        cities="תל_אביב חיפה ירושלים באר_שבע",
        companies="ספרי_הכרמל:carmelbooks קפה_נמל:namal",
    ),
    _language(
        "hi",
        4,
        "India",
        given=(
            "अदिति:aditi राहुल:rahul प्रिया:priya अर्जुन:arjun अनन्या:ananya विक्रम:vikram "
            "दीपिका:deepika संजय:sanjay"
        ),
        family=("शर्मा:sharma गुप्ता:gupta वर्मा:verma पटेल:patel मिश्रा:mishra जोशी:joshi चौधरी:chaudhary"),
        cities="दिल्ली मुंबई जयपुर लखनऊ वाराणसी",
        companies="चाय_घर:chaighar ज्ञान_पुस्तक_भंडार:gyanbooks",
    ),
    _language(
        "ja",
        4,
        "Japan",
        given="さくら:sakura 健:ken 陽菜:hina 大翔:hiroto 美咲:misaki 翔太:shota 結衣:yui 直樹:naoki",
        family="田中:tanaka 佐藤:sato 鈴木:suzuki 高橋:takahashi 渡辺:watanabe 小林:kobayashi 吉田:yoshida",
        cities="東京 大阪 京都 札幌 福岡",
        companies="株式会社さくら:sakura 喫茶みなと:kissaminato",
        whole=" ",
    ),
    _language(
        "zh",
        4,
        "China",
        given="小明:xiaoming 婷婷:tingting 伟:wei 静怡:jingyi 子涵:zihan 建国:jianguo 雨桐:yutong 志強:zhiqiang",
        family="王:wang 李:li 张:zhang 陈:chen 刘:liu 黃:huang 歐陽:ouyang",
        cities="上海 北京 成都 广州 臺北",
        companies="明月书店:mingyue 山水茶业有限公司:shanshui",
        whole="",
    ),
    _language(
        "ko",
        3,
        "South Korea",
        given="민준:minjun 서연:seoyeon 지우:jiwoo 하은:haeun 도윤:doyun 수아:sua",
        family="김:kim 이:lee 박:park 최:choi 정:jung 황보:hwangbo",
        cities="서울 부산 인천 전주",
        companies="한빛서점:hanbit 달빛커피:dalbit",
        whole="",
    ),
    _language(
        "th",
        3,
        "Thailand",
        given="ศิริพร:siriporn สมชาย:somchai กัญญา:kanya ณัฐพล:nattapon ปวีณา:paweena อนันต์:anan",
        family="วงศ์สวัสดิ์:wongsawat ใจดี:jaidee ศรีสุข:srisuk ทองคำ:thongkam บุญมี:boonmee",
        cities="กรุงเทพฯ เชียงใหม่ ขอนแก่น ภูเก็ต",
        companies="ร้านหนังสือดวงดาว:duangdao กาแฟดอย:kafedoi",
    ),
    _language(
        "en-AU",
        3,
        "Australia",
        given="Matilda Lachlan Charlotte Banjo Kirra Angus Tayla Bronte",
        family="Nguyen Baker Kelly Papadakis Wilson Macpherson Singh",
        cities="Sydney Melbourne Hobart Darwin",
        companies="Wattle_&_Wick:wattle Billabong_Books",
    ),
)
