"""Adjectives that no ending gives away, and endings that do."""

from any2caption.grounding.words.lists import phrases, words

COLOURS = words(
    """
    amber aqua azure beige black blond blonde blue bronze brown burgundy charcoal colorful
    colourful copper coral cream crimson cyan dark-blue emerald fuchsia gold golden gray green
    grey indigo ivory khaki lavender lilac magenta maroon mauve multicolored navy ochre olive
    orange peach pink purple red rose ruby salmon sandy scarlet silver tan teal turquoise violet
    white yellow
    """
)
ADJECTIVES = COLOURS | words(
    """
    3d abandoned ancient angry antique bald bare bearded beautiful big bitter blank bold brave
    brief bright broad broken busy calm cardboard ceramic certain cheerful chubby circular clean
    clear clever close clouded cloudy cold concrete cool cosy cozy crazy crisp crystal cute damp
    dark dead dear deep delicate dense different dim dirty distant double dry dull dusty eager
    early eastern elderly electric electronic elegant elevated empty enormous entire equal evil
    extra extreme faint fair fancy fast fat female few fierce fine firm first flat fluffy foggy
    fragile fresh friendly front full funny furry fuzzy gentle giant gigantic glad glass glossy
     good grand great half handsome happy hard harsh heavy high hollow holy hot huge
    humid hungry icy indoor inner innocent intense jade junior keen kind large last late lazy
    lean leather left light little lively lone lonely long loose loud lovely low lower loyal
    lush mad main male marble massive mature medium mere metal metallic middle mild mini misty
    modern moist mossy muddy narrow nasty neat new next nice noble northern odd old open other
    outdoor outer own pale perfect plain plastic playful plump polite poor porcelain pretty
    proper proud pure quick quiet rainy random rapid rare raw ready real rich right ripe robotic
    rocky  rough round royal rubber rude rural sad safe same scary sealed second senior
    separate serene shallow sharp sheer shiny short shy sick silent silk silky silly simple
    single sleek sleepy slender slight slim slow small smart smooth snowy soft solid solitary
    southern spare special stark starry steady steel steep stern stiff still stone stormy
    strange strict strong sturdy subtle sudden sunny super sure sweet swift tall tame tender
    tense thick thin third tidy tight tiny tired top tough tranquil transparent tropical true
    ugly ultimate unique upper upright upside-down urban vacant vague vast velvet vibrant
    victorian viscous visible vivid warm weak wealthy weird western wet whole wide wild windy
    wise wooden woolen woollen wrong young
    """
)
ADJECTIVE_ENDINGS = (
    "ful",
    "ous",
    "ive",
    "less",
    "able",
    "ible",
    "ish",
    "esque",
    "ic",
    "ical",
    "ian",
    "ular",
    "lit",
    "eed",
)
ADJECTIVE_TAILS = words(
    """
    based black blue brown capped clear colored coloured covered deep drenched dressed eyed
    faced filled free gray green grey haired high legged like lined lit long looking made old
    orange pink proof proofed purple red shaped sized soaked striped style tailed tech themed
    white wide winged yellow
    """
)
"""What follows the hyphen of an adjective: "crystal-clear", "snow-covered"."""
NOT_ADJECTIVES = words(
    """
    antic archive arctic attic beehive brazilian cable caravan catfish clinic clownfish comedian
    comic crayfish critic detective dish dive electrician epic-poem fabric feed finish fish
    garlic goldfish guardian handful harpsichord hepatic hive italian jellyfish librarian logic
    magic magician mathematician mechanic motive mouthful music musician native olive optician
    panic parable parish pedestrian physician picnic plastic-bag politician radish reed relative
    relic seed slit split spoonful stable starfish steed swordfish table technician timetable
    topic traffic turtle tweed vegetable vehicle veterinarian weed wish
    """
)
NOT_ADVERBS = words(
    """
    ally anomaly apply assembly belly billy bubbly bully butterfly chilly costly cuddly curly
    daily deadly dragonfly early elderly emily family firefly fly folly friendly ghostly
    heavenly hilly holly holy italy jelly jolly july kelly lily lively lonely lovely melancholy
    molly monopoly orderly ply rally reply sally silly smelly supply teddy-belly ugly wobbly
    woolly
    """
)
"""Words in -ly that are no adverbs."""
COMPOUNDS = phrases(
    """
    baseball bat, baseball glove, bell pepper, building site, cell phone, christmas tree,
    climbing wall, dining hall, dining room, dining table, diving board, drum kit, ferris wheel,
    fire hydrant, fishing boat, fishing net, fishing rod, frying pan, hair drier, hair dryer,
    hot air balloon, hot dog, hot dogs, ice cream, iron man, ironing board, light bulb,
    living room, mobile phone, movie theater, palm tree, palm trees, parking lot, parking meter,
    polar bear, potted plant, potted plants, push up, push ups, rock scissors paper,
    rocking chair, roller coaster, rolling pin, rush hour, school bus, sea turtle, sea turtles,
    sewing machine, shooting star, shopping bag, shopping cart, shopping mall, skipping rope,
    sleeping bag, sleeping bags, snow globe, solar panel, solar panels, sports ball, stop sign,
    storm trooper, swimming pool, swing set, tai chi, teddy bear, tennis racket, tow truck,
    traffic light, traffic lights, train station, training ground, video game, video games,
    walking stick, washing machine, wedding cake, wedding dress, wheel chair, wine glass,
    wrecking ball
    """
)
"""Nouns of two or three words whose first would be read as something else."""
MATERIALS = words(
    """
    bronze coral cream crystal front glass gold iron leather left light marble metal orange peach
    plastic porcelain right rose rubber silk silver stone steel top velvet
    """
)
"""Adjectives that are things where no noun follows: "a glass of wine", "the sun light"."""
