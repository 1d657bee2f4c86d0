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
    3d abandoned alert ancient antique bare bearded blank bleak brave brief broad broken
    bronze-colored bustling busy calm cardboard casual chic circular clean clear close clouded
    cobbled coiled cold compact complex concrete constant contemporary cool cosy cozy crisp
    crowded crystal current damp dark dear delighted deserted desolate devout dim dirty double
    dry dull early elaborate elastic elderly elevated empty enchanted equal evil exact exotic
    extra extreme faint fair familiar fancy fast fat female fine firm first flat flimsy frank
    friendly front frosty frozen full functional gentle giant glass glossy good grand great half
    haunting heavy hidden high hollow holy horizontal hot imposing inflatable innocent intricate
    inviting ivory jade jagged junior keen kind last lavish lean leather left light little
    lively lonely long loose lovely low lower lush main male manicured marble masculine mature
    medium mellow mere metal metallic middle mini minimalist modern muddy muted naked narrow
    neutral noble northern obscure old opaque open ornamental other oval overcast own pale
    pastel patient perfect petite plain plastic plump plush poised polar poor porcelain portable
    precise prominent quick quiet radiant rapid ready real regal right rotary rough round rowdy
    royal rubber rugged rural rustic safe scattered sculpted sealed seasoned secluded second
    secure senior separate shallow sharp sheer short shy sick silk silly simple single slick
    slight slim slow small smart smooth solid solitary spare special spiral spirited stately
    steady steel steep sterile stern stiff still stoic stone stout striking sturdy sublime
    suited super sweet swift swollen tailored tame tattered teal tender tense textured
    thick thin third thrilling tidy tired top tough towering true ugly upper upright upside-down
    velvet vertical victorian vintage visible vocal warm wealthy weary western wet whole wicker
    wide wild winding wise wooded woolen woollen wrinkled wrong yearly young young-looking
    """
)
ADJECTIVE_ENDINGS = (
    "al",
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
    animal antic arctic brazilian bridal capital cereal clownfish comic coral criminal detective
    editorial epic-poem general harpsichord hepatic individual intellectual italian local magic
    material mechanic memorial mineral motive mural musical narwhal native official olive
    original oval panic pedal pedestrian plastic-bag portal professional regal relative ritual
    rival seed signal spiral split stable steed terminal total trial tutorial vegetable
    """
)
NOT_ADVERBS = words(
    """
    ally anomaly apply assembly belly billy bubbly bully butterfly chilly costly cuddly curly
    daily deadly dolly dragonfly early elderly emily family firefly fly folly friendly ghostly
    heavenly hilly holly holy italy jelly jolly july kelly lily lively lonely lovely melancholy
    molly monopoly orderly ply rally reply sally silly smelly supply teddy-belly ugly wobbly
    woolly wooly
    """
)
"""Words in -ly that are no adverbs."""
COMPOUNDS = phrases(
    """
    boxing ring, boxing gloves, hiking boots, running shoes, flying saucer, wishing well,
    baseball bat, baseball glove, bell pepper, building site, cell phone, christmas tree,
    climbing wall, dining hall, dining room, dining table, diving board, drum kit, ferris wheel,
    fire hydrant, fishing boat, fishing boats, fishing net, fishing nets, fishing rod, frying pan,
    hair drier, hair dryer,
    hot air balloon, hot dog, hot dogs, ice cream, iron man, ironing board, light bulb,
    living room, mobile phone, movie theater, palm tree, palm trees, parking lot, parking meter,
    polar bear, power cut, potted plant, potted plants, push up, push ups, rock scissors paper,
    rocking chair, roller coaster, rolling pin, rush hour, school bus, sea turtle, sea turtles,
    steam engine, steam engines, steam locomotive, steam locomotives, steam train, steam trains,
    sewing machine, shooting star, shopping bag, shopping cart, shopping mall, skipping rope,
    sleeping bag, sleeping bags, snow globe, pedestrian crossing, railway crossing, spinning wheel,
    statue of liberty, washing machine, zebra crossing, magnifying glass, tightrope walker,
    solar panel, solar panels, sports ball, stop sign,
    storm trooper, swimming pool, swing set, tai chi, teddy bear, tennis racket, tow truck,
    fairy lights, string lights, northern lights, christmas lights, title card, title cards,
    traffic light, traffic lights, train station, training ground, video game, video games,
    walking stick, washing machine, wedding cake, wedding dress, wheel chair, wine glass,
    wrecking ball
    """
)
"""Nouns of two or three words whose first would be read as something else."""
MATERIALS = words(
    """
    bronze cardboard clay coral cream crystal front glass gold iron leather left light marble
    metal orange peach plastic porcelain right rose rubber silk silver steel stone top velvet
    """
)
"""Adjectives that are things where no noun follows: "a glass of wine", "the sun light"."""
