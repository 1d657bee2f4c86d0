"""Words that decide what a sentence claims: who is there, where it is, what excludes what.

The lists are of what prompts and captions name most; a word that stands in none of them decides
nothing. Nouns are kept in the singular (`singular`).
"""

from collections.abc import Iterable, Mapping
from functools import cache


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PEOPLE = _words("""
    acrobat actor actress adult angel archer architect artist astronaut athlete aunt author baby
    ballerina band barber barista bartender beekeeper bellboy biker blacksmith boss boxer boy
    bride bridegroom brother builder burglar businessman businesswoman butcher butler captain
    carpenter cashier cellist cheerleader chef child cleaner climber clown coach colleague
    comedian conductor cook cosmonaut couple courier cousin cowboy cricketer crowd customer
    cyborg cyclist dad dancer daughter detective diver doctor driver druid drummer dude elder
    electrician elf engineer fairy family farmer father fencer firefighter fisherman footballer
    friend gal gardener genie gentleman ghost girl gladiator gnome goalkeeper goblin golfer
    granddaughter grandfather grandma grandmother grandpa grandson granny groom guard guest
    guitarist guy gymnast hairdresser hiker housekeeper human hunter husband individual infant
    janitor jogger journalist judge juggler kid king knight lad lady lawyer leader librarian
    lifeguard lumberjack magician maid mailman man mechanic merchant mermaid milkman miner mom
    monk mother mum musician neighbor neighbour nephew newsreader niece ninja nun nurse officer
    ogre painter paraglider paramedic parent partner passenger passer-by passerby peasant pedestrian
    performer person photographer pianist pilot pirate player plumber poet policeman policewoman
    postman potter priest prince princess queen rapper referee reporter rider runner sailor
    samurai scholar scientist scout sculptor shaman shopkeeper singer sister skateboarder skater
    skier skydiver snorkeler snowboarder soldier son soprano sorcerer spectator spy stranger
    student surfer surgeon swimmer tailor teacher teen teenager thief toddler tourist trader
    tribesman troll trooper uncle vampire vendor viking villager violinist waiter waitress
    warrior watchmaker welder wife witch wizard woman worker wrestler writer youngster zombie
""")
ANIMALS = _words("""
    alligator ant ape bear bee beetle bird bison boar buffalo bull bunny butterfly calf camel cat
    chick chicken chimpanzee cobra corgi cow crab crane crocodile crow cub cheetah deer dinosaur
    dog dolphin donkey dove dragon dragonfly duck duckling eagle elephant elk falcon fish flamingo
    fox frog gecko giraffe goat goldfish goose gorilla hamster hare hawk hedgehog hen hippo horse
    hummingbird husky hyena insect jaguar jellyfish kangaroo kitten koala lamb leopard lion lizard
    llama lobster lynx monkey moose moth mouse octopus orangutan ostrich otter owl ox panda panther
    parrot peacock pelican penguin pig pigeon pony poodle pug puppy rabbit raccoon rat raven
    reindeer retriever rhino robin rooster salmon seagull seal shark sheep shepherd shrimp snail
    snake sparrow spider squid squirrel starfish stork swan tadpole tiger toad tortoise toucan
    turkey turtle unicorn walrus wasp whale wolf yak zebra
""")
MACHINES = _words("""
    aeroplane aircraft airplane airship ambulance bicycle bike blimp boat bus car carriage drone
    helicopter jet motorbike motorcycle plane robot rocket scooter ship spaceship spacecraft
    submarine tank taxi tractor train tram truck van vehicle yacht
""")
FIGURES = _words("""
    alien android avatar beast creature demon doll dummy figure figurine golem gremlin imp
    marionette mascot monster mummy puppet scarecrow skeleton teddy yeti
""")
"""What acts in a story, and may be a person, an animal or neither."""

_PLACES: Mapping[str, frozenset[str]] = {
    "street": _words("""
        alley avenue boulevard city crosswalk crossing downtown highway intersection lane metropolis
        neighborhood neighbourhood pavement plaza road sidewalk square street suburb town
        tokyo village
    """),
    "home": _words("""
        apartment attic balcony basement bathroom bedroom cottage hallway home house
        kitchen room interior indoors studio corridor
    """),
    "work": _words("""
        airport aquarium bakery bank bar cafe café church classroom factory garage gym hospital
        laboratory library mall market museum office prison restaurant school shop station store
        supermarket temple theater theatre warehouse workshop
    """),
    "water": _words("""
        bay beach coast coastline harbor harbour island lake lagoon ocean pond pool reef river sea
        seaside shore shoreline underwater waterfall creek stream
    """),
    "green": _words("""
        countryside farm farmland field forest garden grassland grove jungle lawn meadow orchard
        park pasture prairie rainforest savanna savannah vineyard woodland woods yard backyard
    """),
    "height": _words("alps canyon cliff glacier hill mountain peak valley volcano summit ridge"),
    "dry": _words("desert dune badlands wasteland"),
    "space": _words("cosmos galaxy moon nebula orbit planet universe mars"),
}
PLACES: Mapping[str, str] = {word: name for name, words in _PLACES.items() for word in words}
"""Word of a place → its family; places of one family do not exclude each other."""

COLOURS = _words("""
    beige black blue brown cyan gold golden gray green grey magenta orange pink purple red silver
    tan teal turquoise violet white yellow crimson scarlet maroon navy ivory bronze
""")
NUMBERS: Mapping[str, int] = {
    **{
        word: number
        for number, word in enumerate(
            (
                *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
                *("ten", "eleven", "twelve"),
            )
        )
    },
    "single": 1,
    "lone": 1,
    "solitary": 1,
    "solo": 1,
    "pair": 2,
    "couple": 2,
    "both": 2,
    "trio": 3,
    "dozen": 12,
}

_STYLES: Mapping[str, frozenset[str]] = {
    "drawn": _words("anime cartoon cartoonish comic manga animated animation pixar ghibli disney"),
    "painted": _words("""
        watercolor watercolour gouache impressionist impressionism expressionism oil
        ukiyo gogh hokusai
    """),
    "made": _words("claymation lego origami felt papercraft"),
    "digital": _words("pixel pixelated voxel glitch vaporwave"),
    "old": _words("vintage retro sepia grainy vhs noir"),
    "real": _words("photorealistic documentary cinematic realistic photographic"),
    "future": _words("cyberpunk steampunk synthwave"),
    "surreal": _words("surreal surrealism psychedelic abstract cubist cubism"),
    "sketched": _words("pencil charcoal sketch sketched"),
}
STYLES: Mapping[str, str] = {word: name for name, words in _STYLES.items() for word in words}
"""Word of a marked style → its family; of one family they do not exclude each other."""

_OPPOSITES: tuple[tuple[frozenset[str], ...], ...] = (
    (
        _words("day daytime daylight noon midday morning sunlight sunlit sunny sunshine"),
        _words("night nighttime midnight moonlight moonlit nocturnal starlit"),
    ),
    (_words("indoors indoor"), _words("outdoors outdoor outside")),
    (_words("summer"), _words("winter wintry"), _words("autumn autumnal"), _words("springtime")),
    (
        _words("sunny sunlit sunshine cloudless"),
        _words("rain rainy raining downpour storm stormy"),
        _words("snowing snowfall blizzard"),
    ),
)
_QUALITIES: tuple[tuple[frozenset[str], ...], ...] = (
    (
        _words("quiet calm silent peaceful tranquil serene deserted empty"),
        _words("noisy loud busy crowded bustling chaotic"),
    ),
    (_words("monochrome monochromatic"), _words("colourful colorful vibrant")),
    (_words("slow slowly gentle gently"), _words("fast quick quickly rapid rapidly")),
    (_words("old elderly aged"), _words("young youthful")),
    (_words("small tiny little miniature"), _words("large huge giant big enormous gigantic")),
    (_words("happy happily joyful cheerful smiling"), _words("sad sadly crying angry gloomy")),
    (_words("open opened"), _words("closed shut")),
    (_words("bright brightly"), _words("dark darkness dim")),
    (_words("warm hot"), _words("cold cool")),
    (_words("wet damp"), _words("dry")),
    (_words("clean"), _words("dirty filthy")),
)
_SIDES: tuple[tuple[frozenset[str], ...], ...] = (
    (_words("left leftward leftwards"), _words("right rightward rightwards")),
    (_words("above over"), _words("below under beneath underneath")),
    (_words("top upper"), _words("bottom lower")),
    (_words("front foreground"), _words("behind background")),
    (_words("up upward upwards"), _words("down downward downwards")),
    (_words("near nearest closest"), _words("far farthest furthest distant")),
    (_words("toward towards"), _words("away")),
    (_words("clockwise"), _words("anticlockwise counterclockwise")),
)

GRAVE = _words("""
    ablaze blood bloody bomb burn burning corpse dead death die dying explode explodes exploding
    explosion fire flame flames gore gun kill killing murder naked nude weapon wound wounded wreck
""")
"""What no writer may add by itself: harm, fire and nakedness."""
META = _words("""
    ai api assistant caption captions chatbot disregard ignore instruction instructions json
    language model output override prompt prompts sorry system token tokens user
""")
"""Words of who talks about the task instead of the scene."""
GENERIC = _words("""
    being character figure human individual person someone somebody subject
""")
"""Words for a person of whom nothing else is said."""
KINDS_OF: Mapping[str, str] = {
    **dict.fromkeys(("corgi", "husky", "poodle", "pug", "puppy", "retriever", "bulldog"), "dog"),
    "kitten": "cat",
    "cub": "bear",
    "pony": "horse",
    "lamb": "sheep",
    "calf": "cow",
    "duckling": "duck",
    "chick": "chicken",
    "bicycle": "bike",
    "airplane": "plane",
    "aeroplane": "plane",
    "aircraft": "plane",
    "motorcycle": "motorbike",
    "spacecraft": "spaceship",
}
"""Word → the more general one that stands for it as well."""

PLAIN = _words("""
    action also angle appearance appears area atmosphere background begin begins bit camera caption
    capture captured captures captured centre center clear clearly clip clip's close closely clouds
    colour colours color colors composition consistent continue continues contrast course depth
    detail detailed details distance end ends entire even event eye filmed first focus footage
    foreground frame framed framing glow happen happens haze hint horizon image kept keep keeps
    kind large lens level light lighting like lit long look looks main medium middle mist moment
    mood motion move movement moves moving natural naturally next object objects open overall pace
    palette part picture place point position present quality reflection reflections remain
    remains same scene seen second sense sequence set setting shadow shadows shot show showing shown
    shows side sky smooth smoothly soft softly space stand stands start starts stay stays steadily
    steady style subject subjects surrounding surroundings texture textures third throughout time
    tone tones unfolds video view viewer visible visual whole wide
""")
"""Words that every caption has: they name nothing that somebody would have to state."""
SCENERY = _words("""
    air arm arms beam beams body branch branches breeze cheek cheeks cloth clothes clothing dust
    dirt ear ears expression eyes fabric face faces feet fog foliage fur gaze glance glow gravel
    ground hair hand hands head heads leaf leaves limbs petals raindrops rays ripple ripples sand
    scales shirt skin sleeve sleeves smile smoke spray steam sun sunbeam sunlight sunshine surface
    tail tree trees wall walls water wave waves weather wind window windows wing wings
""")
"""What belongs to many scenes and bodies: a writer may tell of it although nobody stated it."""

_PLURALS: Mapping[str, str] = {
    "people": "person",
    "passersby": "passerby",
    "passers-by": "passer-by",
    "persons": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "mice": "mouse",
    "geese": "goose",
    "wolves": "wolf",
    "calves": "calf",
    "leaves": "leaf",
    "oxen": "ox",
    "feet": "foot",
    "teeth": "tooth",
    "knives": "knife",
    "shelves": "shelf",
    "halves": "half",
    "buses": "bus",
    "boxes": "box",
    "foxes": "fox",
}


_NO_MEN = frozenset(
    [
        "abdomen",
        "acumen",
        "amen",
        "cyclamen",
        "dolmen",
        "hymen",
        "omen",
        "ramen",
        "regimen",
        "semen",
        "specimen",
        "stamen",
    ]
)


def names_men(word: str) -> bool:
    """Whether a word, in lower case, is a plural of "man": "women", "fishermen", not "ramen"."""
    return word.endswith("men") and word not in _NO_MEN


@cache
def singular(word: str) -> str:
    """Return a noun's singular, in lower case: `women` → `woman`, `ladies` → `lady`."""
    word = word.casefold().removesuffix("'s").removesuffix("’s")
    if word in _PLURALS:
        return _PLURALS[word]
    if names_men(word):
        return f"{word[:-3]}man"
    if word.endswith("ies") and len(word) > 4:  # noqa: PLR2004 - "pies", "ties" keep their ie
        return f"{word[:-3]}y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 2:  # noqa: PLR2004
        return word[:-1]
    return word


def is_person(noun: str) -> bool:
    """Whether a noun (its last word) names people: `two women`, `storm troopers`."""
    return _head(noun) in PEOPLE or _head(noun) in GENERIC


def is_agent(noun: str) -> bool:
    """Whether a noun names who acts by itself: a person, an animal, a machine, a figure."""
    head = _head(noun)
    return any(head in named for named in (PEOPLE, ANIMALS, MACHINES, FIGURES))


def is_called(noun: str, names: Iterable[str]) -> bool:
    """Whether a noun is one of these names, or a kind of one: "a puppy" of a dog."""
    own = {_head(noun), KINDS_OF.get(_head(noun), "")}
    if is_person(noun):
        own.add("person")
    return any(_head(name) in own for name in names if name)


def _head(noun: str) -> str:
    words = noun.split()
    return singular(words[-1]) if words else ""


def opposites(word: str) -> frozenset[str]:
    """Return the words that exclude a word whatever it is said of: `night` → `day`, `noon`."""
    return _table(_OPPOSITES).get(word, frozenset())


def other_qualities(word: str) -> frozenset[str]:
    """Return the words that exclude a word of the same thing: `small` → `large`, `huge`."""
    return _table(_QUALITIES).get(word, frozenset())


def other_sides(word: str) -> frozenset[str]:
    """Return the directions and places opposite to a word: `left` → `right`, `rightward`."""
    return _table(_SIDES).get(word, frozenset())


@cache
def _table(groups: tuple[tuple[frozenset[str], ...], ...]) -> dict[str, frozenset[str]]:
    table: dict[str, frozenset[str]] = {}
    for rivals in groups:
        for group in rivals:
            others = frozenset[str]().union(*(other for other in rivals if other is not group))
            for word in group:
                table[word] = table.get(word, frozenset()) | others
    return table
