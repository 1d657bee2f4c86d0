"""Verbs of what happens in videos, and how their forms are told from nouns."""

from any2caption.captions.actions import VERBS as ACTION_VERBS
from any2caption.grounding.words.lists import pairs, words

MORE_VERBS = words(
    """
    accelerate accentuate accompany achieve adapt add adjust admire adorn advance age aim allow
    amaze amble amplify amuse announce appear approach arch arise arrange arrive ascend ask
    assemble assess associate attach attack await bake balance bandage barbeque bark bask bathe
    beat beckon become begin belong besiege billow bite blanket blaze bloom blossom blow boil
    bond bounce bound break breathe brew brighten brim bring broadcast bubble burn burst bury
    button buy call canoe captivate capture cascade cast catch celebrate change charge check
    cheer cheerlead chirp circle clap clasp clatter cling close clutch clutter coat coil
    collapse collect color combine come comfort command complement complete compress concentrate
    conclude connect consist consume contact contain continue contrast converge convey count
    cover crack crackle cradle cram crash creak create crest croon crouch cruise crumble crush
    cuddle culminate curl cycle dangle darken dart dash daub decay decorate decrease defend
    define deflate deflect defy deliver delve demonstrate depart depict deposit descend design
    dim dip disappear discover discuss disperse display dissolve dive dole dolly dominate doze
    draft drag drape drench dress dribble drift drip drop drown duel dump dunk echo edge elicit
    embark embody emerge emit emphasize empty encapsulate encircle enclose encounter engage
    engross enhance enjoy entrance entwine envelop erode erupt escape escort evaporate evoke
    exchange exhale exit expand expel explain explode expose extend extract exude face fade
    feast feature feed feel fence fiddle fidget fight filter find finish fizz flail flank flap
    flash flee flex flicker fling float flow flutter focus follow form frame freeze frolic frown
    fry fumble fuse gain gallop gasp gather generate get giggle give glance glare gleam glint
    glisten glow go gobble grasp graze grind grip groan groom grow growl guard guide gulp gust
    haggle hang happen harvest hatch haul have heat help hide highlight hike hint hiss hoist
    honk hoot hop hover howl huddle huff hula hum hunt hurl hurry ignite ignore illuminate
    illustrate
    imagine imitate inch incline include increase indicate inflate inhale inspire interact
    intertwine intrigue invite iron irritate itch jerk join jostle juggle juxtapose kayak keep
    kindle knead kneel knock lament land lap launch lay lead leave let lick lift light line
    linger load lob look loom loop lose lounge lower lunge lurk maintain make manage maneuver
    march mark mash massage mature measure meet melt mend mention merge mesmerize milk mimic
    mingle mirror mix moan mold move mow munch murmur nap navigate need nestle nibble
    nod notice nudge nurse nurture nuzzle occur offer ooze orbit outline overflow overlook
    oversee pace pack paddle pan park pass pause paw peck pedal peek peer penetrate perch
    perfect perk pick pilot pinch pivot place plant pluck plunge poke ponder pop portray
    position pounce pour practice practise praise prance preen prepare present preserve progress
    prop propel protect protest provide prowl prune pulsate pulse puncture purr pursue put quiver
    race radiate raid rain rally ram range react rebound recede receive recline record reel
    refine reflect rehearse rejoice relax release relish rely remain remember remove render
    repair replace require rescue resemble resolve resonate respond rest resume retreat return
    reveal revolve rewrite ripple rise roam roar roast rock rot rotate rub rummage rush rust
    rustle sag sample save savor say scamper scan scatter scold scoop scrape scratch scream
    scribble scurry scuttle search seem seep send serve set settle shape share sharpen shatter shear
    shed shield shift shimmer shine shiver shoot shove show showcase shower shriek shrink
    shudder shuffle shut sigh signal simmer sink sizzle skate sketch skid skim skip skydive slam
    slap slice slither slow slump slurp smash smear smell snap snarl sneak sneeze snooze snow
    snuggle soak soar sob solidify solve soothe sort spar sparkle speak speckle speed spill
    spiral spit splatter split sprawl spray spread spring sprinkle sprout spy squeal squeeze
    squirm squirt stack stalk stammer stare start startle stay steam stick sting stitch stomp
    stoop stop strain strap stream stride strike strip stroke struggle strum study stumble
    streak subside suck suggest supervise support surge surround survey survive suspend swallow
    swap sway sweat swerve swirl switch swoop symbolize tackle take tame tangle tango taste teach
    tear tease
    teem tell tend test thaw think tick tickle tilt topple toss touch tow tower track trade
    trail train trample transform transition transport trap travel tremble trickle trigger trim trip
    truck tuck tug tumble tune turn twinkle twitch unfold unfurl unite unleash unlock unpack
    unroll unveil urge use usher utter vanish vault veer venture vibrate visit waddle wade waft
    wag wail wait wake wallow waltz want warm wear weave wheel whip whirl whisper whistle
    whittle widen wield wiggle wilt wince wind wither wriggle wring write yank yell zip zoom
    """
)
STRONG_FORMS = pairs(
    """
    bought:buy chose:choose clung:cling crept:creep dealt:deal dug:dig fled:flee forgot:forget
    heard:hear hid:hide knew:know paid:pay rang:ring sank:sink slid:slide sold:sell spent:spend
    stole:steal swore:swear thought:think wept:weep won:win
    ate:eat barbequing:barbeque bent:bend bit:bite blew:blow broke:break broken:break
    brought:bring built:build burnt:burn came:come caught:catch cut:cut drank:drink drawn:draw
    drew:draw driven:drive drove:drive dying:die eaten:eat fallen:fall fed:feed fell:fall
    felt:feel flew:fly flown:fly fought:fight found:find froze:freeze frozen:freeze gave:give
    given:give gone:go grew:grow grown:grow held:hold hidden:hide hit:hit hung:hang kept:keep
    knelt:kneel knitted:knit laid:lay lain:lie leapt:leap led:lead left:leave lit:light
    lost:lose lying:lie made:make met:meet mimicked:mimic mimicking:mimic panicking:panic
    put:put ran:run ridden:ride risen:rise rode:ride rose:rise said:say sang:sing sat:sit
    saw:see seated:sit seen:see sent:send set:set shaken:shake shone:shine shot:shoot shown:show
    slept:sleep spoke:speak sprang:spring spread:spread spun:spin stood:stand struck:strike
    stuck:stick sunk:sink swam:swim swept:sweep swung:swing taken:take taught:teach threw:throw
    thrown:throw tied:tie told:tell took:take tore:tear torn:tear tying:tie went:go woke:wake
    wore:wear worn:wear wove:weave woven:weave written:write wrote:write
    """
)
"""Forms that no rule makes, and their base."""
VERBS = frozenset(ACTION_VERBS) | MORE_VERBS | frozenset(STRONG_FORMS.values())
DOUBLED = words(
    """
    chat chop clap cut dig dip drag drip drop drum flap flip get grab grin hem hit hop hug jog
    knit let mop nod pan pat pet plan pop put rot rub run scrub set shed shut sip sit skip slam
    slap slip snap spar spin spit squat step stir stop strip strum swap swim tap trim trot tug
    trip unwrap wag whip wrap zip
    """
)
NOUN_FORMS = words(
    """
    ages aims arches bangs barks blooms blossoms bonds bounds bows boxes brushes bubbles builds
    bursts buttons calls cases casts catches chats checks cheers circles clings clouds clutches
    coats colors contrasts cooks cracks crashes crests crosses cuts cycles dances dashes designs
    dives drafts draws dresses drifts drinks drives drops drums echoes edges exchanges exits
    faces falls features fences fights filters finds flanks flashes flickers flips flows folds
    follows forms frames fries glances glares grips grooms guards guides hatches heats hides
    hints hits hops howls hugs hums hunts invites irons jumps keeps kicks kisses knits knocks
    lands laps laughs leads leaps leaves lies lifts lights lines loads looks loops lunges marks
    measures milks mirrors moves naps needs nods offers orbits outlines paces packs paddles
    paints pans parks passes patches pats pauses paws pedals pets picks pilots places plans
    plants plays points polishes pops poses positions practices presents presses props pulls
    pulses punches races rains ranges reaches records rests returns rides rings ripples rises
    roars rocks rolls rows runs rushes rusts sails salutes samples scans scoops scrapes screams
    searches sets shakes shapes shares shields shifts shines shoots shops shots shovels showers
    shows sighs signals signs sinks skates sketches skis slices slides slips smells smiles
    smokes snaps snows sorts sounds spins spirals splashes springs squats stacks stalks stands
    stares stars starts stays steams steps sticks stings stitches stops strains straps streams
    stretches strikes strips strokes studies supports surges surrounds surveys sweats swings
    swirls switches tackles tastes tears tests throws ties tilts torches touches towers tracks
    trades trails trains traps travels trickles trims trips trucks tugs tunes turns twists types
    uses vaults visits waits wakes walks waltzes washes watches waters waves wheels whips whistles
    winds works wraps zips zooms
    """
)
"""Third persons that are plural nouns as well."""
THING_ING = words(
    """
    anything awning backing beijing being bing broadcasting building ceiling clearing clothing
    darling dressing duckling dumpling earring evening everything flooring gosling herring housing
    icing king lighting lightning meaning morning nothing offspring opening pottery-making pudding
    railing recording rigging ring sapling scaffolding seating seedling setting sibling siding sling
    something spring sterling string stuffing thing topping viking wedding wing
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
    begin capture conclude continue cut descend dolly drift drop end fly follow glide move open
    orbit pan pull reveal rise rotate shift start sweep tilt track transition zoom
    """
)
"""What "the scene" or "the shot" does when the camera is meant."""
REQUESTS = words(
    """
    animate create depict design draw film generate give imagine make produce render show want
    """
)
"""What a prompt asks its reader to do: "generate a video of"."""
STANCES = words("appear hang lie rest sit stand wait")
"""What may stand in front of its subject ("between them sits a cat"), and moves nowhere."""
AIMING = words("aim bark gaze glance growl howl laugh look point shout smile stare throw wave yell")
"""Verbs whose "at" names a target, not a place."""
TELLING = words(
    """
    announce claim discover feel find hear imagine know learn notice pretend prove realise realize
    reveal say see show tell think
    """
)
"""Verbs that "that" and a clause follow."""
WATCHING = words(
    """
    capture chase film find follow hear ignore notice observe photograph record see show spot track
    watch
    """
)
"""Verbs whose object may be the one that does what follows: "follows a surfer riding a wave"."""
WRITING = words("label mark read say spell write")
"""Verbs that stand before written words: "a sign reading 'OPEN'"."""
IDLE_ING = words(
    """
    barking blazing blinking blooming bubbling burning chirping churning crackling crashing
    crumbling drifting fading falling flickering floating flowing fluttering flying gleaming
    glimmering
    glinting glistening glittering glowing howling looming melting raging rising rolling rustling
    shimmering shining smiling smouldering soaring sparkling swaying swirling towering twinkling
    """
)
"""What a thing does without an object: "of twinkling celestial bodies"."""
