"""Passwords that are tried first: common words with digits, runs of keys, the user's own name.

NIST SP 800-63B, 3.1.1.2: a new password is compared with those that are commonly used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

# Letters alone are compared, so each stands for itself with any digits and signs around it.
COMMON_WORDS: Final = frozenset(
    """
    abitazione abracadabra accesso account achtung acqua admin administrator albero alessandro
    alessia alfredo amica amici amico amministratore amore amoremio amoretesoro ananas andrea
    angela angelo anna antonella antonio apfel apple aprile arancia arbeit arcobaleno arsenal
    aspirina august auto autunno azzurro bambina bambino banana barbara barcelona baseball
    basketball batman baum bayern beatrice bella bello benvenuta benvenuti benvenuto berlin
    biancaneve bicicletta bienvenue bitte blume blumen bologna bonjour burro buongiorno butterfly
    calcio calimero cambiami cane carlo carmelo casa casamia caterina cavallo centralino cervia
    chanel changeme charlie cheese chelsea chiara chiave chocolate ciao ciaociao ciaobella
    ciaomondo cioccolato cittadini cittadino claudia claudio coccinella computer comune
    corriere cristina cucciolo daniela daniele daniel davide dezember dicembre diego
    domenica domenico donald donnerstag dragon drago elena eleonora elisabetta emanuela estate
    europa fabio fabrizio facebook familie famiglia family farfalla februar febbraio federica
    federico felice ferrari fiore fiorella fiorentina firenze flower football forzainter
    forzajuve forzamilan forzanapoli forzaroma francesca francesco frankfurt freitag freedom
    freunde friday friends fussball gabriele gabriella gatto gattina gattino geheim
    geheimnis gelato gennaio genova giacomo giallo gianluca gianni giorgia giorgio giovanna
    giovanni giugno giulia giuliano giulio giuseppe google guest gruetzi guten hallo hallohallo
    hamburg hammer hase haus hello helloworld herbst herzlich heute hockey holiday hund iloveyou
    impiegato ingresso inter internet inverno italia italien italy jannik januar jasmin
    jennifer jessica jesus johannes jordan juli julia juni juventus katze kennwort kiss kitty
    koeln kommune killer lascia lasciami laura lazio leonardo letmein libero liebe lilli linda
    liverpool login lorenzo love lovely lucia luglio luna maggio magdalena magic maik mamma
    mannheim marco margherita maria mario mare marina martina marzo massimo master matrix
    matteo mauro meinpasswort mercedes mercoledi merlin michael michela michele michelle micia
    micio milan milano mittwoch modena monday monkey montag monica morgen muenchen mucca mutter
    napoli natale nicola nikita nintendo nonna nonno november novembre nutella october office
    oktober ottobre orchidea oscar ostern pallone panda paolo paola papa papillon
    parola parma paradiso parolachiave passport passwort password passwords passw
    pass passaporto passeggiata passe patrizia peanut pepper piero pietro pippo pippobaudo pirata
    pizza playboy please pluto polizei pokemon porsche prego primavera princess principessa
    prinzessin prova provaprova qualcosa ragazza ragazzo raffaele ramona rathaus ravenna
    recht reggio regenbogen responsabile riccardo rimini roberta roberto robert roma romeo
    rosa rosso rossana sabato sabrina salvatore samantha samsung samstag sandra sara saturday
    schalke schatz schatzi schmetterling schnucki schule schwarz secret segreta segretaria
    segreteria segreto sekretariat sempre september settembre shadow sicher simba simona simone
    soccer sole sommer sommersonne sonne sonnenschein sonntag sophie sophia sorriso spagna spiderman
    sportello spring stadt starwars stefania stefano stella stellina stern sterne summer sunday
    sunshine superman supersonne susanna switchboard tartaruga telefon telefono telefonzentrale
    tempo teresa tesoro tesoromio test testtest thomas thursday tiger tigro toilette topolino
    topogigio torino trustno trasferimento tuesday ufficio ufficiale user utente valentina
    valentino vanessa vaniglia vaticano venerdi venezia verdi verona vienna viola vittoria
    vita wasser wednesday weihnachten welcome wien willkommen winter wilkommen whatever
    windows yellow zucchero zuhause
    """.split()  # noqa: SIM905 - one name a line would be a file of its own
)
"""Words that lists of stolen passwords hold most often, in Italian, German and English."""
_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "qwertzuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
)
SHORTEST_RUN: Final = 4
LEAST_OWN: Final = 4
"""Letters and digits that must be left beside runs and the user's name."""
_INSTEAD: Final = str.maketrans("@$013457", "asoieast")
"""Digits and signs that people write in place of letters."""


def is_guessable(password: str, name: str) -> bool:
    """Tell whether a password is among those that are tried first for a user."""
    plain = re.sub(r"[\W_]", "", password.casefold())
    # Digits after a word are no letters of it.
    word = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password.casefold())
    read = re.sub(r"[\W\d_]", "", word.translate(_INSTEAD))
    letters, digits = re.sub(r"\d", "", plain), re.sub(r"\D", "", plain)
    # Alternating keys, 1q2w3e4r, are two runs.
    apart = _without_runs(letters) + _without_runs(digits)
    left = min((_without_runs(plain), apart), key=len)
    own = _without_name(re.sub(r"\d", "", left), name)
    is_own = own != re.sub(r"\d", "", left) and len(own) < LEAST_OWN
    words = {_once(each) for each in (letters, read, re.sub(r"\d", "", left))}
    return len(left) < LEAST_OWN or is_own or not words.isdisjoint(COMMON_WORDS)


def _without_runs(text: str) -> str:
    """Remove runs of neighbouring keys, letters or digits, and of one repeated character."""
    kept = []
    at = 0
    while at < len(text):
        length = max(_runs_at(text, at))
        if length < SHORTEST_RUN:
            kept.append(text[at])
            length = 1
        at += length
    return "".join(kept)


def _runs_at(text: str, at: int) -> Iterator[int]:
    """Yield the lengths of the runs that begin at a place."""
    rest = text[at:]
    yield len(rest) - len(rest.lstrip(rest[0]))
    for row in _ROWS:
        for keys in (row, row[::-1]):
            yield _common_length(rest, keys[max(0, keys.find(rest[0])) :])


def _common_length(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _without_name(letters: str, name: str) -> str:
    # The parts of "anna.verdi", and both together.
    for part in sorted(re.split(r"[\W\d_]+", name.casefold()), key=len, reverse=True):
        if len(part) > 2:
            letters = letters.replace(part, "")
    return letters


def _once(letters: str) -> str:
    """Return the word that a text repeats, the text itself if it repeats none."""
    # The text is found within its double at its period.
    return letters[: (letters + letters).find(letters, 1)] if letters else ""
