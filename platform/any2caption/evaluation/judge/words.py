"""Other words for the answers of closed slots, as people write them; the judge's own list.

The reward of reinforcement learning knows the lexicon's forms alone: a model that learned to please
it is judged here by another reader. The list was written before the judge card's captions
(`bench/judge_card.tsv`), and not from them.
"""

from collections.abc import Mapping

OTHER_WORDS: Mapping[str, Mapping[str, str]] = {
    "colour": {
        "red": "crimson|scarlet|ruby|vermilion|reddish",
        "orange": "tangerine|amber|apricot",
        "yellow": "golden|lemon|canary|mustard",
        "green": "emerald|lime|olive|jade",
        "blue": "navy|azure|cobalt|sapphire|indigo",
        "purple": "violet|lavender|lilac|mauve|plum",
        "white": "ivory|snow-white|off-white|cream",
        "black": "jet-black|ebony|pitch-dark",
    },
    "shape": {
        "ball": "spheres?|orbs?|globes?|spherical",
        "box": "cubes?|crates?|cubic|boxy|cuboids?",
        "cone": "conical|traffic cones?",
        "ring": "hoops?|torus|tori|doughnuts?|donuts?|annulus",
        "star": "five-pointed|star-like|starry shapes?|pentagrams?",
    },
    "count": {
        "1": "a lone|a solitary|just one|only one|an individual|1",
        "2": "both|a couple of|twin|twins|a duo|2",
        "3": "a trio|triplets?|three-some|3",
    },
    "kind": {
        "person": "man|men|woman|women|figures?|humans?|someone|somebody|individuals?|persons?|"
        "boys?|girls?|child|children|adults?|performers?|pedestrians?",
        "object": "things?|shapes?|solids?|items?|spheres?|orbs?|cubes?|crates?|hoops?|torus",
    },
    "action": {
        "stand": "standing|stands|motionless|immobile|not moving|remains? still|keeps? still",
        "walk": "walks|walk|strolls?|strolling|paces|pacing|ambles|ambling|on foot|steps? forward",
        "run": "runs|run|sprints?|sprinting|jogs?|jogging|dashes|dashing|races|racing",
        "jump": "jumps|jump|hops?|hopping|leaps?|leaping|bounding",
        "wave": "waves|greets? with (?:a|one) hand|waving (?:his|her|their) hands?",
        "raise": "(?:lifts?|lifting|raises?|raising|throws?|holds?) (?:both |his |her |their |up "
        "|the )*(?:arms|hands)(?: up| overhead| high)?|"
        "(?:arms|hands) (?:go |held )?(?:up|overhead)",
        "bow": "bows?(?! tie)|bends? (?:over|forwards?)|bending (?:over|forwards?)|stoops?"
        "|stooping",
        "sit": "sits|sit|seated|takes? a seat|taking a seat|lowers? (?:him|her)self (?:on|in)to",
        "stay": "stays|remains? (?:where|in place|in position|put)|does not move|at rest|resting",
        "bounce": "bounces|bobs?|bobbing|bounced",
        "slide": "slides|(?:moves|glides|travels|drifts|moving|gliding|drifting|travelling) (?:"
        "smoothly )?(?:from (?:the )?left to (?:the )?right|rightwards?|to the right)",
        "approach": "approaches|nears|nearing|draws? near(?:er)?|drawing near(?:er)?|gets? closer|"
        "getting closer|(?:moves?|moving|comes?|coming) towards? (?:the )?(?:camera|viewer|us)",
    },
    "background": {
        "beach": "seaside|shore|seashore|coast|sands|sandy shore",
        "meadow": "grassland|lawn|field of grass|grassy field|pasture|green field",
        "street": "road|avenue|city|downtown|urban",
        "room": "indoors|interior|cabin|chamber|wooden walls",
        "mountain": "peaks?|alpine|summit|slopes?|alps",
    },
    "style": {
        "cartoon": "animated|animation|comic|cartoonish|cel-shaded",
        "cinematic": "film-like|movie-like|widescreen|letterboxed|blockbuster",
        "vintage": "retro|old film|nostalgic|sepia|old-fashioned|antique",
        "watercolour": "water-colour|aquarelle|painted in washes|watercolours|watercolors",
        "documentary": "reportage|newsreel|fly-on-the-wall",
    },
}
"""Slot → key → patterns."""
