"""How far two people agree, beyond chance."""

from collections import Counter
from collections.abc import Sequence


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa, (observed - chance) / (1 - chance), of two raters' categories.

    Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
    Measurement 20 (1960). None where chance alone agrees always.
    """
    total = len(pairs)
    if not total:
        return None
    first, second = (Counter(pair[side] for pair in pairs) for side in (0, 1))
    observed = sum(one == other for one, other in pairs) / total
    chance = sum(first[name] * second[name] for name in first) / total**2
    return None if chance == 1 else round((observed - chance) / (1 - chance), 4)
