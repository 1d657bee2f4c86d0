"""Nouns of where and when a scene is."""

from any2caption.grounding.words.lists import words

PLACES = words(
    """
    abyss africa airport aisle alley alleyway amphitheater amphitheatre antarctica apartment
    aquarium arcade arctic area areas arena atrium attic auditorium backdrop background backyard
    bakery balcony ballroom bank banks bar barn barnyard basement bathroom battlefield bay bayou
    bazaar beach bedroom beijing boardroom boardwalk bog boulevard boutique brewery cabin cafe
    cafeteria café california campground campsite campus canal canyon carnival casino cathedral
    cave cavern cell cellar cemetery chapel chasm china church cinema citadel city cityscape
    classroom cliff cliffs cliffside clinic club coast coastline colosseum corridor cottage
    countryside course court court-room courthouse courtroom courtyard cove creek crossing
    crossroads crosswalk dam deck den desert diner dock docks downtown driveway dune dunes
    dungeon earth
    east egypt environment estuary factory fairground fairgrounds farm farmhouse farmland
    farmyard field fields fjord floor foothills forest forests freeway galaxy gallery garage
    garden gardens geyser glacier glade glen gorge grassland grasslands graveyard greenhouse
    grocery grotto ground grove gym gymnasium habitat hall hallway hangar harbor harbour
    headland heath highway hill hills hillside hilltop horizon hospital hotel hut iceberg igloo
    indoor indoors inn interior intersection island islet jail japan junction jungle junkyard
    kitchen kyoto lab laboratory lagoon lake lakes lakeshore lakeside landscape landscapes lane
    laundromat lawn ledge library lobby loft london lot lounge malaysia mall mansion market
    marketplace mars marsh marshland meadow meadows metro metropolis mine moon moor mosque motel
    motorway mountain mountains mountainside mountaintop museum nebula neighborhood
    neighbourhood nightclub north nursery nyc oasis observatory ocean oceans office orbit
    orchard outback outdoors outside outskirts paddock palace parade paris park parks parlor
    parlour pasture path pathway pavement pavilion peak peaks peninsula pharmacy pier pitch plain
    plains planetarium plantation plateau platform platforms playground plaza pond pool porch
    port prairie prison promenade pub quarry quay racetrack raceway railway rainforest ranch
    rapids ravine reef reefs restaurant ridge rink river riverbank riverside road roadside rome
    roof rooftop room ruins runway salon saloon sanctuary savanna savannah scene scenery school
    sea seabed seafloor seas seascape seashore seaside setting shanghai shipyard shop shore
    shoreline shrine sidewalk site skies sky skyline slope slopes slum south spa space
    spacecraft square stable stadium stage stairway station steppe store stream street streets
    studio suburb suburbs subway summit supermarket surroundings swamp synagogue tavern temple
    terminal terrace terrain theater theatre tokyo town townscape track tracks trail treetops
    tundra tunnel underground underpass underworld universe university valley valleys vault
    venice venue veranda vicinity village vineyard volcano wall ward warehouse warsaw wasteland
    waterfall waterfalls waterfront waters west wetland wetlands wharf wilderness wonderland
    wood woodland woods workshop world yard york zoo
    """
)
"""Head nouns that are a setting wherever they stand."""
BUILDINGS = words(
    """
    arch arches booth bridge building buildings carousel carrousel castle chateau citadel
    clock-tower coop crypt dome fort fortress fountain gate gateway gazebo house houses
    lighthouse manor mill monument obelisk pagoda pyramid pyramids railroad rails shower
    skyscraper skyscrapers staircase staircases stairs statue tower towers treehouse villa well
    windmill windmills
    """
)
"""Things that one can be in or look at: a setting when they stand alone or behind "in"."""
NOT_ALONE = words(
    """
    background bar cell club court deck earth environment floor ground hall interior mine
    moon orbit parade path peak plain platform pool port roof scene school schools setting sky
    space spacecraft store stream track tracks vault wall ward waters well wood world
    """
)
"""Of these, those that also are things, parts of things or other words: a setting with a
preposition, or with nothing said of them."""
LIGHTS = words(
    """
    backlight candlelight dark darkness daylight firelight glare gloom glow haze illumination light
    lighting lights moonlight neon rays shadow shadows starlight sunbeams sunlight
    """
)
TIMES = words(
    """
    afternoon afternoons autumn century christmas dawn day daytime dusk evening evenings
    halloween hour hours midday midnight morning mornings night nightfall nights nighttime noon
    season
    spring summer sundown sunrise sunset sunsets twilight weekend winter year
    """
)
HALVES = words("a.m p.m am pm o'clock")
"""Halves of a day behind its hour: "3 a.m."."""
WEATHERS = words(
    """
    blizzard breeze downpour drizzle fog frost hail hurricane lightning mist rain rainfall rainstorm
    sandstorm sleet snow snowfall snowstorm storm sunshine thunder thunderstorm weather wind
    winds
    """
)

WHEREABOUTS = words("indoors outdoors inside outside underwater overhead")
"""Adverbs that are a setting where they stand alone."""
MEASURES = words("bank court pool school schools sea stream streams track trail wall")
"""Of these, those that count what follows "of": "a school of fish"."""
GROUPS = words(
    "band bunch class colony couple crowd family fleet flock gang group herd line litter pack pair"
    " pod row school series set swarm team trio troop"
)
"""Nouns that act as those do whom they are of: "a pod of dolphins"."""
MASSES = words(
    """
    air blood coffee confetti dust fire foam fur grass hair heat honey ice ink lava liquid milk mud
    oil paint sand smoke steam tea text traffic water wax wine
    """
)
"""Things without an article that can do something: "smoke drifts"."""
