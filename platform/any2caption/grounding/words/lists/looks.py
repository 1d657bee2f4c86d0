"""Wording of style and of the camera's view."""

from any2caption.grounding.words.lists import phrases, words

STYLE_PHRASES = phrases(
    """
    8mm, 16mm, super 8, 8mm film, 16mm film, home movie, motion blur, 24 fps, 25 fps, 30 fps, 48
    fps, 50 fps, 60 fps, 120 fps, 240 fps, 24fps, 25fps, 30fps, 48fps, 50fps, 60fps, 120fps, 240fps,
    seamless loop, perfect loop, split screen, split-screen, picture-in-picture, screen recording,
    news broadcast, 16k, 2k, 32k, 35mm, 35mm film, 3d animation, 3d art, 3d cartoon, 3d model, 3d
    modeling, 3d render, 3d rendered, 3d rendering, 4k, 4k resolution, 70mm, 8-bit, 8k, 8k
    resolution, 8k uhd, alpha channel, analog film, art deco, art nouveau, award winning,
    award-winning, acrylic painting, best quality, black & white, black-and-white, blender render,
    bright colors, bright colours, cel shaded, cel shading, cel-shaded, charcoal, charcoal drawing,
    chiaroscuro, cinema 4d, clay animation, color graded, color grading, colour grading, comic book,
    concept art, detailed textures, digital art, digital painting, extremely detailed, fairy tale,
    fairytale, 8mm film grain, 16mm film grain, 35mm film grain, 70mm film grain, lens flare, lens
    flares, light leaks, film grain, film noir, fine art, flat design, full hd, game art,
    gouache painting,
    global illumination, hand drawn, hand painted, hand-drawn, hand-painted, high contrast, high
    definition, high detail, high dynamic range, high fidelity, high quality, high resolution,
    high-quality, high-resolution, highly detailed, hyper detailed, hyper realistic, hyper-detailed,
    hyper-realistic, ink drawing, ink painting, ink wash, ink wash painting, insanely detailed,
    intricate details, intricately detailed, isometric, line art, live action, long exposure, low
    poly, low-poly, matte painting, muted colors, muted colours, muted tones, natural colors,
    natural colours, neon colors, octane render, oil on canvas, oil painting, old film, paper cut,
    pastel colors, pastel colours, pastel drawing, pencil, pencil drawing, pencil sketch, photo
    real, photo realistic, photo-realistic, pixel art, pop art, ray traced, ray tracing, redshift
    render, rich color, rich colors, rich colours, saturated colors, saturated colours, sci fi,
    sci-fi, science fiction, sharp focus, soft focus, stop motion, stop-motion, studio ghibli,
    studio quality, super detailed, super realistic, trending on artstation, true to life, ukiyo-e,
    ultra detailed, ultra hd, ultra realistic, ultra-detailed, ultra-realistic, unreal engine,
    unreal engine 5, van gogh, vector art, vibrant color, vibrant colors, vibrant colour, vibrant
    colours, visually captivating, vivid color, vivid colors, vivid colours, volumetric light,
    volumetric lighting, warm colors, warm colours, warm tones, water color, water colour,
    watercolor painting, watercolour painting, wide screen
    """
) - {"van gogh", "pencil", "charcoal"}
STYLE_WORDS = words(
    """
    abstract abstraction aesthetic animated animation anime artistic artsy atmospheric baroque
    bokeh cartoon cartoonish cinematic claymation cubist cyberpunk disney documentary dreamlike
    dreamy epic ethereal expressionist fantasy felted futuristic ghibli gothic graffiti grainy
    grayscale greyscale hd hdr hyperdetailed hyperreal hyperrealistic illustrated impressionist
    impressionistic kawaii lifelike lo-fi lofi manga masterpiece minimal minimalist monochrome
    moody noir origami painterly photoreal photorealistic pixar pixelated pointillism pop-art
    psychedelic realism realistic renaissance retro romantic rustic sepia steampunk stylised
    stylized surreal surrealism surrealist uhd ukiyo vaporwave vintage watercolor watercolour
    whimsical
    """
)
"""Style by themselves: alone between commas, or in front of "style", "video", "shot"."""
STYLE_NOUNS = words(
    """
    aesthetic aesthetics atmosphere color colors colour colours filter lighting look mood
    palette quality render resolution style styles theme tone tones vibe vibes
    """
)
"""Heads of a style: "warm tones", "Van Gogh style"."""
PICTURE_NOUNS = words(
    """
    ad advert animation art artwork cartoon clip collage comic commercial cutscene design
    drawing engraving film footage gif graphic illustration image model montage movie mural
    painting photo photograph photography picture portrait reel render rendering scene sequence
    sketch trailer video visualization watercolor watercolour woodcut
    """
)
"""What shows something: before "of" they are style, not what is seen."""
CAMERA_NOUNS = words(
    """
    angle camera close-up close-ups closeup closeups framing hyperlapse macro panorama
    perspective pov selfie shot shots slo-mo slow-mo slow-motion slowmo time-lapse timelapse
    timelapses view viewpoint views vlog
    """
)
GENRES = words(
    """
    action archival bodycam cctv comedy dashcam drama found home-movie horror nature silent thriller
    western wildlife
    """
)
"""What tells the look of footage that names no style."""
CAMERA_PHRASES = phrases(
    """
    aerial footage, aerial shot, aerial video, aerial view, back view, bird eye view,
    bird's eye view, bird's-eye view, birds eye view, birds-eye view, camera motion,
    camera movement, camera movements, close up, close up shot, close up video, close up view,
    close-up shot, close-up view, crane shot, cropped closeup, deep focus, depth of field,
    dolly shot, dolly zoom, drone footage, drone shot, drone video, drone view, dutch angle,
    establishing shot, fast cuts, jump cuts, quick cuts, static tripod, tripod shot,
    extreme close up, extreme close-up, extreme long shot, extreme slow motion,
    eye level, eye level view, eye-level, facing camera, first person, first person view,
    fade to black, fade to white,
    first-person, first-person view, fish eye, fish-eye, fisheye lens, fixed camera, follow shot,
    front view, full body shot, full shot, hand held, handheld, handheld camera, handheld shot,
    high angle, high angle shot, high angle view, high speed footage, high-angle, high-angle shot,
    high-angle view, locked camera, locked-off camera, locked-off shot, long lens, long shot,
    long take, low angle, low angle shot, low angle view,
    low-angle, low-angle shot, low-angle view, macro lens, macro shot, medium close-up, medium shot,
    moving camera, one take, orbit shot, over the shoulder, over-the-shoulder,
    over-the-shoulder shot, pan shot, panning shot, point of view, rack focus, rear view,
    satellite view, shaky cam, shaky camera, shallow depth of field, shallow focus, side view,
    single shot,
    slow mo, slow motion, static camera, static shot, steady camera, still camera, studio shot,
    super slow motion, bullet time, telephoto lens, third person, third person view, third-person,
    tilt shift, tilt-shift, time lapse, time lapse footage, time lapse video, top down,
    top down view, top view,
    top-down, top-down view, tracking shot, two shot, ultra wide, underwater footage, wide angle,
    wide angle lens, wide angle shot, wide lens, wide shot, wide view, wide-angle, wide-angle lens,
    rotating shot, orbiting shot, circling shot, revolving shot, spinning shot, arc shot,
    chase shot, 360 shot, 360-degree shot, push-in shot, pull-back shot, pull-out shot,
    zooming shot, tilting shot, trucking shot, gliding shot, following shot, reveal shot,
    wide-angle shot, zoom lens, zoom shot, zoom-in, zoom-out, push-in, pull-back, pull-out,
    dolly-in, dolly-out
    """
)
MOVES = words(
    """
    arc arcs crane dollies dolly dollying orbit orbiting orbits pan panning pans pedestal tilt
    tilting tilts truck trucking trucks zoom zooming zooms
    """
)
"""Words of camera movement: a fragment that begins with one and a direction is the camera's."""
MOVE_SIDES = words(
    """
    anticlockwise around backward backwards clockwise counterclockwise down forward forwards in
    into left out right shot slowly smoothly to up
    """
)
ARTISTS = phrases(
    """
    andy warhol, banksy, basquiat, beksinski, botticelli, caravaggio, claude monet, da vinci,
    dali, disney, dreamworks, edvard munch, edward hopper, frida kahlo, ghibli, giger,
    greg rutkowski, gustav klimt, hayao miyazaki, hokusai, kandinsky, klimt, leonardo da vinci,
    magritte, makoto shinkai,
    matisse, michelangelo, miyazaki, moebius, monet, munch, norman rockwell, pablo picasso,
    picasso, pixar, raphael, rembrandt, salvador dali, studio ghibli, tim burton, turner,
    van gogh, vermeer, vincent van gogh, warhol, wes anderson
    """
)
GARMENTS = words(
    """
    apron armor armour attire bandana beret bikini black blazer blouse blue bonnet boot brown
    camouflage cap cape cardigan cloak clothes clothing coat corset costume crown denim dress
    dungarees fedora garb gear glasses gloves gown gray green grey hat headphones headscarf
    heels helmet hijab hood hoodie hoodies jacket jeans jersey jumpsuit kilt kimono lace leather
    leggings makeup mask orange outfit overalls pajamas pants parka pinafore pink poncho purple
    pyjamas rags raincoat red robe sandals saree sari scarf scrubs shawl shirt shoes shorts silk
    skirt slippers sneakers sock sombrero spacesuit sportswear stockings suit sunglasses tutu tutus
    suspenders sweater swimsuit t-shirt tank-top tie toga tracksuit trench trousers tunic turban
    turtleneck tutu tuxedo uniform veil velvet vest waistcoat wear wellies wetsuit white wig
    yellow
    """
)
"""What stands behind "in" when it says what someone wears."""
WRITING = words(
    """
    banner billboard board caption cover inscription label labeled labelled letter lettering
    letters logo message neon page placard plaque poster quote read reading reads saying says
    screen shirt sign slogan spelling spells sticker subtitle t-shirt tattoo text title titled
    word words writing written
    """
)
"""What has words on it, or says that they are written."""
STILLNESS = words("fixed handheld locked motionless shaky stationary static steady still")
"""How a camera is: "camera static"."""
MANNERS = words(
    "aerial camera crash fast gentle gradual quick slight slow smooth steady subtle swish whip"
)
"""How a camera moves: "slow zoom in"."""
