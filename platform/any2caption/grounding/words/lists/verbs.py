"""Verbs of what happens in videos, and how their forms are told from nouns."""

from any2caption.captions.actions import VERBS as ACTION_VERBS
from any2caption.grounding.words.lists import pairs, words

MORE_VERBS = words(
    """
    circle spiral hover mend stroke
    accelerate achieve add adjust admire adorn appear approach arch arrange arrive ascend ask
    assemble attach attack bake balance bandage barbeque bark bask bathe beat become begin
    billow bite blanket blaze bloom blossom blow boil bounce break breathe bring bubble burn
    burst bury button buy call canoe capture cascade cast catch celebrate change charge check
    cheerlead cling close collapse collect color combine come compress conclude connect contact
    continue count cover crack crash create cruise crumble crush curl cycle dart decay decorate
    decrease defend deliver depart depict descend design dim dip disappear discover discuss
    disperse display dissolve dolly drag drape drench dress drift drip drop duel dump dunk
    embody emerge emit emphasize empty encounter enjoy entwine erupt escape evaporate expand
    explode expose extend extract face fade feature feed feel fence fight filter find finish
    flap flash flicker float flow flutter focus follow form freeze fry gain gallop gather
    generate get give gleam glisten glow go graze groom grow guard guide hang harvest hatch haul
    have heat help hide highlight hike hoist hop hula hunt ignite ignore illuminate illustrate
    imagine include increase inspire iron irritate itch join kayak keep kindle land lap launch
    lay lead leave let lick lift light line load look loom lose lower make march mash massage
    measure meet melt mention milk mirror mix motorcycle move murmur nestle nibble nod nuzzle
    offer orbit overlook oversee pack paddle pan park pass pause peck pedal penetrate perch pick
    pilot place plant pop position pounce pour prepare present preserve protect prowl pulse
    puncture put race rain react rebound receive record reflect relax release remain remove
    render repair replace rescue resemble resolve rest reveal rewrite ripple rise roam roar
    roast rot rotate rush rust rustle save say scan scatter scratch scream search send serve set
    settle shape sharpen shed shimmer shine shoot show showcase shower shrink shuffle shut sink
    skate sketch skydive slam slow slurp smash snap snow soar spar sparkle speak speed spill
    spiral spit spray spread sprinkle sprout squeeze stack stare start stay steam stick sting
    stop strike struggle strum study stumble surround suspend swallow swap swerve swirl switch
    swoop symbolize take taste teach tear tease tell test think tickle tilt toss touch tow tower
    track trade train transform transition transport travel trim truck tumble turn twinkle
    unfold use vanish vibrate visit waddle wade wag wait wake wallow want warm wear weave whirl
    whisper wilt wind wither wriggle write zoom
    """
)
VERBS = frozenset(ACTION_VERBS) | MORE_VERBS
STRONG_FORMS = pairs(
    """
    ate:eat barbequing:barbeque bent:bend bit:bite blew:blow broke:break broken:break
    brought:bring built:build burnt:burn came:come caught:catch cut:cut drank:drink drawn:draw
    drew:draw driven:drive drove:drive dying:die eaten:eat fallen:fall fed:feed fell:fall
    felt:feel flew:fly flown:fly fought:fight found:find froze:freeze frozen:freeze gave:give
    given:give gone:go grew:grow grown:grow held:hold hidden:hide hit:hit hung:hang kept:keep
    knelt:kneel knitted:knit laid:lay lain:lie leapt:leap led:lead left:leave lit:light
    lost:lose lying:lie made:make met:meet put:put ran:run ridden:ride risen:rise rode:ride
    rose:rise said:say sang:sing sat:sit saw:see seated:sit seen:see sent:send set:set
    shaken:shake shone:shine shot:shoot shown:show slept:sleep spoke:speak sprang:spring
    spread:spread spun:spin stood:stand struck:strike stuck:stick sunk:sink swam:swim
    swept:sweep swung:swing taken:take taught:teach threw:throw thrown:throw tied:tie told:tell
    took:take tore:tear torn:tear tying:tie went:go woke:wake wore:wear worn:wear wove:weave
    woven:weave written:write wrote:write
    """
)
"""Forms that no rule makes, and their base."""
DOUBLED = words(
    """
    chat chop clap cut dig dip drag drip drop drum flap flip get grab grin hem hit hop hug jog
    knit let mop nod pan pat pet plan pop put rot rub run scrub set shed shut sip sit skip slam
    slap slip snap spar spin spit squat step stir stop strip strum swap swim tap trim trot tug
    unwrap wag whip wrap zip
    """
)
NOUN_FORMS = words(
    """
    circles strokes
    fries crosses
    arches blooms blossoms bows boxes brushes bubbles builds bursts buttons calls cases casts
    catches chats checks clings clouds colors cooks cracks crashes cuts cycles dances designs
    dives draws dresses drifts drinks drives drops drums faces falls features fences fights
    filters finds flashes flickers flips flows folds follows forms grooms guards guides heats
    hides hits hops hugs hunts irons jumps keeps kicks kisses knits lands laps laughs leads
    leaps leaves lies lifts lights lines loads looks measures milks mirrors moves offers orbits
    packs paddles paints pans parks passes patches pats pauses pedals pets picks pilots places
    plans plants plays points polishes pops poses positions presents presses pulls pulses
    punches races rains reaches records rests rides rings ripples rises roars rolls rows runs
    rushes rusts sails salutes scans screams searches sets shakes shapes shines shoots shops
    shots shovels showers shows signs sinks skates sketches skis slices slides slips smiles
    smokes fries snaps snows sounds spins spirals splashes springs squats stacks stands stares stars
    starts stays steams steps sticks stings stops stretches strikes studies surrounds swings
    swirls switches tackles tastes tears tests throws ties tilts torches touches towers tracks
    trades trains travels trims trucks turns twists types uses visits waits wakes walks washes
    watches waters waves winds works wraps zooms
    """
)
"""Third persons that are plural nouns as well."""
THING_ING = words(
    """
    anything awning backing beijing being bing building  ceiling clothing
     darling  dressing duckling dumpling earring evening everything
     flooring  gosling  herring housing icing king  lighting
    lightning  meaning  morning nothing offspring
    pottery-making pudding railing rigging ring sapling scaffolding seating seedling
    sibling siding sling something spring sterling string stuffing  thing topping
    viking wedding wing
    """
)
"""Words in -ing that name things."""
SHOWING = words(
    """
    capture depict display document feature highlight illustrate portray present record reveal
    show showcase
    """
)
"""What cameras, videos and pictures do to what is seen in them."""
CHANGES = words("dress clothe clad wear attire adorn")
"""Verbs whose participle says what someone has on."""
PARTICIPLES = words(
    """
    adorn attach blanket build call carve cast clad coat compose cover decorate depict design
    drape dress fill inspire line load make name surround tie top wear wrap
    """
)
"""Participles that say what something is made or full of: "filled with", "covered in"."""
SCENE_VERBS = words(
    """
    begin capture conclude continue cut dolly end follow move open orbit pan pull reveal rotate
    shift start tilt track transition zoom
    """
)
"""What "the scene" or "the shot" does when the camera is meant."""
REQUESTS = words(
    "create design depict draw film generate give imagine make produce render show want"
)
"""What a prompt asks its reader to do: "generate a video of"."""
WATCHING = words(
    "capture chase film find follow hear observe photograph record see show track watch"
)
"""Verbs whose object may be the one that does what follows: "follows a surfer riding a wave"."""
WRITING = words("label mark read say spell write")
"""Verbs that stand before written words: "a sign reading 'OPEN'"."""
