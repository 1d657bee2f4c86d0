"""Words that the synthetic world does not draw: who, where, in what look, doing what, how filmed.

Each list has an even share that no corpus shows: tests and benches ask for these.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """Phrases of a list: those that corpora show, and those kept out of them."""

    shown: tuple[str, ...]
    kept_out: tuple[str, ...]


def _words(listed: str) -> Words:
    """Keep every fourth phrase out."""
    phrases = tuple(line.strip() for line in listed.strip().splitlines())
    kept = phrases[3::4]
    return Words(tuple(one for one in phrases if one not in kept), kept)


PEOPLE = _words("""
    an old fisherman
    a ballet dancer
    a young woman in a raincoat
    a firefighter
    a chef
    two astronauts
    a tall wizard
    a boy with a backpack
    a nurse
    a violinist
    a man in a grey suit
    two toddlers
    a farmer
    a girl with braids
    a mountain guide
    a postman
    three pirates
    a bearded sailor
    a bride
    a robot
    an elderly couple
    a painter
    a goalkeeper
    a drummer
""")
THINGS = _words("""
    a brown dog
    a tabby cat
    a steam locomotive
    a hot air balloon
    two swans
    a vintage bicycle
    a teapot
    a paper boat
    a fluffy rabbit
    three goldfish
    a wooden chair
    a lighthouse
    a typewriter
    a parrot
    an elephant
    a lantern
    a birthday cake
    a sailing ship
    two horses
    a red panda
    a grand piano
    a potted cactus
    a stack of books
    a windmill
""")
PLACES = _words("""
    on a foggy pier
    in a quiet library
    in a bamboo forest
    on a rooftop
    in a busy market
    at a train station
    in a desert
    in a cosy kitchen
    beside a frozen lake
    in an abandoned factory
    on a football pitch
    in a greenhouse
    under a stone bridge
    in a lavender field
    in a subway car
    in a cathedral
    on a wooden raft
    in a narrow alley
    at a petrol station
    in an art gallery
    in a laboratory
    in a vineyard
    on a balcony
    in a swimming pool
""")
STYLES = _words("""
    oil painting style
    pixel art
    film noir style
    anime style
    stop motion style
    cyberpunk style
    pencil sketch style
    claymation
    minimalist style
    surrealist style
    pastel colours
    low poly style
    comic book style
    impressionist style
    photorealistic style
    gothic style
    paper collage style
    retro futuristic style
    ukiyo-e style
    charcoal drawing style
""")
DEEDS = _words("""
    reading a newspaper
    peeling an orange
    playing the guitar
    looking out of a window
    drinking tea
    catching a butterfly
    painting a fence
    sleeping in the shade
    juggling three apples
    watering the flowers
    chasing a feather
    carrying a heavy box
    singing a song
    sweeping the floor
    folding a letter
    feeding the pigeons
    repairing a clock
    eating a sandwich
    waiting for a bus
    flying a kite
    climbing a ladder
    building a snowman
    tying a knot
    opening an umbrella
""")
EVENTS = _words("""
    glowing in the dark
    covered with snow
    drifting past
    trembling in the wind
    turning slowly
    reflected in the water
    gleaming in the sun
    standing in the rain
    moving towards the light
    resting in the shade
    shaking gently
    disappearing in the mist
""")
FRAMINGS = _words("""
    close-up
    wide shot
    aerial view
    low angle shot
    handheld camera
    high angle shot
    medium shot
    eye-level shot
""")
KINDS: Mapping[str, Words] = {
    "people": PEOPLE,
    "things": THINGS,
    "places": PLACES,
    "styles": STYLES,
    "deeds": DEEDS,
    "events": EVENTS,
    "framings": FRAMINGS,
}
