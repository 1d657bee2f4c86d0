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
    3d abandoned adjacent affectionate agile alert aloof ambient ancient angry antique apparent
    arid avid bald bare barren bearded beautiful big bitter blank bleak blurry bold brave breezy
    brief bright brisk broad broken bronze-colored bulky bustling busy calm cardboard casual
    ceramic certain cheerful chic chubby circular clean clear clever close clouded cloudy coarse
    cobbled coiled cold compact complex concrete constant contemporary cool cosy cozy crazy
    creamy crisp crowded crunchy crystal curious current cute damp dark dead dear deep delicate
    delighted dense deserted desolate devout dewy different diligent dim dirty distant distinct
    double dry dull dusty dynamic eager early earthy eastern eerie elaborate elastic elderly
    electric electronic elegant elevated empty enchanted enormous entire equal ergonomic eternal
    evil exact exotic expansive extra extreme faint fair familiar fancy fast fat feisty female
    few fierce fiery fine firm first flat flimsy floral fluffy foamy foggy formal fragile frail
    frank frantic fresh friendly front frosty frozen full functional funny furry fuzzy gentle
    giant gigantic glad glass gleeful glossy good graceful gracious grand grassy great grim
    gritty half handmade handsome happy hard harmonious harsh haunting hazy heartfelt hearty
    heavy hidden high hollow holy homey honest horizontal hot huge humid hungry icy idyllic
    imposing indoor inflatable inner innocent intense intricate inviting iridescent ivory jade
    jagged juicy junior keen kind lanky large last late lavish lazy leafy lean leather left
    lifelike light little lively lofty lone lonely long loose loud lovely low lower loyal lush
    mad magical main majestic male manicured marble masculine massive matte mature medium mellow
    melodic mere metal metallic middle mighty mild mini minimalist misty modern moist molten
    moonlit mossy muddy mundane muscular muted mysterious naked narrow nasty neat neutral new
    next nice nimble noble nocturnal northern nostalgic obscure odd old opaque open ordinary
    ornamental ornate other outdoor outer oval overcast own pale passionate pastel patient
    peaceful peculiar perfect petite picturesque plain plastic playful plump plush poised polar
    polite poor porcelain porous portable precise pretty pristine profound prominent proper
    proud pure quaint quick quiet quirky radiant rainy random rapid rapt rare raw ready real
    regal remote resolute rhythmic rich right ripe robotic robust rocky rotary rough round rowdy
    royal rubber rude rugged rural rustic sad safe same sandy scary scattered scenic scruffy
    sculpted sealed seamless seasoned secluded second secure senior separate serene serious
    shabby shaggy shallow sharp sheer shiny short shy sick silent silk silky silly simple single
    sinister skillful sleek sleepy slender slick slight slim slippery slow small smart smoky
    smooth snowy soft solemn solid solitary somber southern spacious spare sparse special
    spectacular spherical spicy spiral spirited splendid spotless spry stark starry stately
    steady steamy steel steep sterile stern stiff still stoic stone stony stormy stout strange
    strict striking strong sturdy stylish sublime subtle suburban sudden sugary suited sunlit
    sunny super supple sure surreal swampy sweet swift swollen tailored tall tame tangled tasty
    tattered taut teal tender tense tentative textured thick thin third thoughtful thrilling
    tidy tight timeless timid tiny tired top tough towering tranquil translucent transparent
    trendy tropical true turbulent ugly ultimate underwater unique unkempt untidy upper upright
    upside-down urban vacant vague vast velvet velvety verdant versatile vertical vibrant
    victorian vigilant vigorous vintage viscous visible vivid vocal warm weak wealthy weary
    weird western wet whimsical whole wicker wide wild winding windy wise wispy witty wooded
    wooden woolen woollen wrinkled wrong yearly young young-looking zany
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
    bronze coral cream crystal front glass gold iron leather left light marble metal orange
    peach plastic porcelain right rose rubber silk silver steel stone top velvet
    """
)
"""Adjectives that are things where no noun follows: "a glass of wine", "the sun light"."""
