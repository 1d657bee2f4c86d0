"""Derive `imagenet_names.json`: what ImageNet's classes are called in a caption.

    python -m any2caption.perception.names_from_wordnet imagenet_synsets.txt data.noun

The first file lists the 1,000 classes' WordNet ids in order (timm's `data/_info` has it), the
second is WordNet 3.0's (Debian's `wordnet-base`). A class belongs to the noun that people call it
by: the nearest of `_NOUNS` among its hypernyms, else its own name. Hypernyms between the two are
kept where they are names of kinds ("corgi").
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("imagenet_names.json")
_NOUNS: Mapping[str, str] = {
    one: one
    for one in (
        *("dog", "wolf", "fox", "bear", "monkey", "ape", "elephant", "rabbit", "antelope", "whale"),
        *("bird", "fish", "shark", "snake", "lizard", "turtle", "frog", "salamander", "spider"),
        *("butterfly", "beetle", "insect", "crab", "lobster", "lemur", "car", "truck", "bus"),
        *("van", "bicycle", "ship", "boat", "aircraft", "ball", "bag", "bottle", "hat", "chair"),
        *("table", "guitar", "piano", "clock", "computer", "telephone", "camera", "lamp", "shoe"),
        *("coat", "necktie", "musical instrument", "building", "bridge", "flower", "vegetable"),
        *("bread", "basket", "bowl", "glass", "knife", "gun", "person", "helmet"),
    )
} | {
    "domestic cat": "cat",
    "swine": "pig",
    "crocodilian reptile": "crocodile",
    "musteline mammal": "weasel",
    "wheeled vehicle": "vehicle",
    "edible fruit": "fruit",
    "beverage": "drink",
    "alp": "mountain",
    "skirt": "dress",
    "gown": "dress",
}
"""WordNet's name of a noun that stands for all below it → what it is called."""
_PLACES = (
    *("cliff", "coral reef", "geyser", "lakeside", "mountain", "promontory", "sandbar"),
    *("seashore", "valley", "volcano"),
)
"""What is told as where something is, not as what is there."""
_OTHERWISE = {"07930864": "cup"}
"""Classes whose pictures show something else than their synset: cups, where WordNet means punch."""
_UNTOLD = frozenset(
    {
        *("web_site", "comic_book", "crossword_puzzle", "jigsaw_puzzle", "menu", "book_jacket"),
        *("envelope", "screen", "television", "monitor", "window_screen", "shower_curtain"),
        *("velvet", "spotlight", "theater_curtain", "pajama", "packet", "binder", "tray"),
        *("cash_machine", "mask", "wig", "hair_spray", "lotion", "sunscreen", "lipstick"),
        *("face_powder", "perfume", "bikini", "maillot", "brassiere", "miniskirt", "sunglass"),
        *("nipple", "Band_Aid", "diaper", "prison", "scoreboard", "stage", "bath_towel", "quilt"),
        *("wool", "dishrag", "handkerchief", "wall_clock", "switch", "matchstick", "candle"),
        *("theater", "digital_watch", "stopwatch", "magnetic_compass", "punching_bag", "rule"),
    }
)
"""Classes seen in textures, graphics, what people wear."""
_BETWEEN = 15
"""A hypernym with more classes than that is no kind that anybody names."""
_NO_KINDS = frozenset(
    {
        *("hunting_dog", "working_dog", "sporting_dog", "toy_dog", "watchdog", "spitz"),
        *("Sennenhunde", "racer", "domestic_cat", "colubrid_snake", "passerine", "oscine"),
        *("aquatic_bird", "wading_bird", "game_bird", "phasianid", "anseriform_bird"),
        *("teleost_fish", "bony_fish", "soft-finned_fish", "spiny-finned_fish"),
        *("cartilaginous_fish", "elasmobranch", "sled_dog", "wildcat", "big_cat"),
        *("lamellicorn_beetle", "vehicle", "public_transport", "motor_vehicle", "wirehair"),
        *("saurian", "agamid", "iguanid", "elapid", "viper", "pit_viper", "constrictor"),
        *("beating-reed_instrument", "produce", "free-reed_instrument", "double-reed_instrument"),
        *("percoid_fish", "ganoid_fish", "food_fish", "cypriniform_fish"),
        *("heavier-than-air_craft", "lighter-than-air_craft", "small_boat", "bird_of_prey"),
        *("coraciiform_bird", "piciform_bird", "pinscher", "anthropoid_ape", "great_ape"),
        *("lesser_ape", "insect", "digital_computer", "anapsid", "gallinaceous_bird"),
        *("shorebird", "waterfowl", "corvine_bird", "edible_fruit", "box_office"),
        *("spermatophyte", "angiosperm", "hymenopterous_insect", "lepidopterous_insect"),
        *("orthopterous_insect", "dictyopterous_insect", "homopterous_insect"),
        *("scarabaeid_beetle", "military_vehicle", "tracked_vehicle", "cyprinid", "chelonian"),
        *("hoopskirt", "overskirt", "sarong", "gown", "passenger_train", "wheeled_vehicle"),
        *("self-propelled_vehicle", "musteline_mammal"),
    }
)


class WordNet:
    """Nouns by their id: names and hypernyms (wndb(5WN))."""

    def __init__(self, path: Path) -> None:
        self.names: dict[str, list[str]] = {}
        self._above: dict[str, list[str]] = {}
        for line in path.read_text("latin-1").splitlines():
            if line.startswith("  "):
                continue  # the licence
            fields = line.partition(" | ")[0].split()
            count = int(fields[3], 16)
            at = 4 + 2 * count
            pointers = [fields[at + 1 + 4 * n : at + 5 + 4 * n] for n in range(int(fields[at]))]
            self.names[fields[0]] = fields[4:at:2]
            self._above[fields[0]] = [one[1] for one in pointers if one[0] in {"@", "@i"}]

    def line(self, synset: str) -> Iterator[str]:
        """Yield the synset, its hypernyms, theirs, and so on; nearest first."""
        todo, done = [synset], set()
        while todo:
            one = todo.pop(0)
            if one not in done:
                done.add(one)
                todo += self._above[one]
                yield one


def derive(classes: Sequence[str], wordnet: WordNet) -> dict[str, Any]:
    """Return `nodes` ([name, place of the more general one or -1, other names]) and `classes`."""
    below = Counter(one for synset in classes for one in wordnet.line(synset))
    nouns = _nouns(below, wordnet)
    tops: dict[str, int] = {}
    sorts: dict[str, set[str]] = {"animal": set(), "clothing": set()}
    nodes: list[list[Any]] = []
    places: dict[str, int] = {}

    def node(synset: str, name: str, above: int) -> int:
        if synset not in places:
            others = [one.replace("_", " ") for one in wordnet.names[synset]]
            places[synset] = len(nodes)
            nodes.append([name, above, [one for one in others if one != name]])
        return places[synset]

    found = []
    for synset in classes:
        if wordnet.names[synset][0] in _UNTOLD:
            found.append(-1)
            continue
        line = list(wordnet.line(synset))
        top = next((one for one in line if one in nouns), synset)
        if synset in _OTHERWISE:
            line, top = [synset], synset
        name = _OTHERWISE.get(top) or nouns.get(top) or _name(wordnet, top, "")
        above = tops.setdefault(name, node(top, name, -1))
        general = {word for one in line for word in wordnet.names[one]}
        for kind, members in sorts.items():
            if kind in general:
                members.add(name)
        for one in reversed(line[: line.index(top)]):
            if below[one] <= _BETWEEN and wordnet.names[one][0] not in _NO_KINDS:
                above = node(one, _name(wordnet, one, nodes[above][0]), above)
        found.append(above)
    return {
        "from": "ImageNet's 1,000 classes under WordNet 3.0 (LICENSE.wordnet)",
        "places": list(_PLACES),
        "animals": sorted(sorts["animal"]),
        "worn": sorted(sorts["clothing"]),
        "nodes": nodes,
        "classes": found,
    }


def _nouns(below: Mapping[str, int], wordnet: WordNet) -> dict[str, str]:
    """Return synset → noun; of several synsets of a name the one of most classes."""
    nouns = {}
    for name, noun in _NOUNS.items():
        of_name = [one for one in below if name.replace(" ", "_") in wordnet.names[one]]
        nouns[max(of_name, key=lambda one: below[one])] = noun
    return nouns


def _name(wordnet: WordNet, synset: str, general: str) -> str:
    """Return the name that says what it is a kind of (`tabby cat`), else the first one."""
    names = [one.replace("_", " ") for one in wordnet.names[synset]]
    return next((one for one in names if general and one.endswith(f" {general}")), names[0])


def main(arguments: Sequence[str]) -> None:
    """Write the table from the two files."""
    synsets = [line.strip().lstrip("n") for line in Path(arguments[0]).read_text().splitlines()]
    table = derive([one for one in synsets if one], WordNet(Path(arguments[1])))
    rows = [f'"{key}": {json.dumps(value)}' for key, value in table.items()]
    TABLE.write_text("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
