"""The commonest function words of languages in Latin script, to tell them from English.

Words that English has as well ("in", "die", "me", "an") are left out.
"""

from collections.abc import Mapping

from any2caption.grounding.words.lists import words

FOREIGN: Mapping[str, frozenset[str]] = {
    "French": words(
        """
        au aux avec ce cette dans de des du elle est et il la le les ne pas pour que qui sa ses
        son sous sur un une
        """
    ),
    "German": words(
        """
        auf das dem den der durch ein eine einem einen einer im ist mit nicht sich und unter von
        wird zu über
        """
    ),
    "Spanish": words(
        """
        al bajo con de del el en es está la las los para por que se sobre su un una unos y
        """
    ),
    "Italian": words(
        """
        che con da dei del della di e gli il la lo mentre nel nella per si sul sulla un una è
        """
    ),
    "Portuguese": words(
        """
        ao com da de do e em está na nas no nos o os para por que se sobre um uma é
        """
    ),
    "Dutch": words(
        """
        bij dat de die door een en er het met naar niet onder op over van voor wordt zijn
        """
    ),
    "Polish": words("w na z i jest się do nie przez przy pod nad który która oraz jak po"),
    "Swedish": words("en ett och är på med av för som till den det i under över sig"),
    "Danish": words("en et og er på med af for som til den det i under over sig"),
    "Turkish": words("bir ve bu ile için olan üzerinde içinde çok gibi"),
    "Indonesian": words(
        """
        dan dari dengan di ini itu ke pada sebuah sedang seekor seorang untuk yang
        """
    ),
    "Vietnamese": words("một và của trong là đang trên với những các người cho không"),
    "Romanian": words("un o și pe cu în la de care este din pentru"),
    "Hungarian": words("egy és az van hogy nem egyik mellett alatt"),
    "Czech": words("a na v se je s ze do pro který která po pod"),
    "Finnish": words("ja on ei joka kanssa että ovat yksi"),
}
AMBIGUOUS = words(
    """
    a am an as at be die do for he her i in is man me no of on per so son to van was we
    """
)
"""Words of English that say nothing, as other languages have them too."""
TONGUES = frozenset(
    {
        *FOREIGN,
        "Arabic",
        "Chinese",
        "English",
        "Greek",
        "Hebrew",
        "Hindi",
        "Japanese",
        "Korean",
        "Latin",
        "Mandarin",
        "Russian",
        "Thai",
    }
)
"""Names of languages: "signs in Chinese" stand nowhere."""
