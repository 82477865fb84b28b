"""Puts an answer in words that say no more than the score can carry."""

from fakefocus.prediction.result import Limits, PersonResult

_MEANS = {
    "fake": "Looks manipulated: this score is as high as few unaltered clips reached when the limits were chosen.",
    "uncertain": "No verdict: both real and manipulated clips have such scores.",
    "real": "No sign of the manipulations that this detector knows. Others would leave no trace that it sees.",
}
_BY_THRESHOLD = {
    "fake": "Scored at or above the threshold. No error rate is promised for it.",
    "real": "Scored below the threshold. No error rate is promised for it.",
}


def in_words(person: PersonResult, limits: Limits, people: tuple[int, int]) -> str:
    """Return some sentences about the person by whom a file is judged.

    Args:
        person: The one.
        limits: By which they were called what they are called.
        people: How many are seen well enough to judge the file by, and how many there are.
    """
    means = _MEANS if limits.promised else _BY_THRESHOLD
    text = means.get(person.verdict, _MEANS["uncertain"])
    if people[1] > 1:
        text += f" The score is that of person {person.person}, who looks most manipulated of {_those(*people)}."
    if person.warnings:
        text += f" Less certain than usual here: {'; '.join(warned.text for warned in person.warnings)}."
    if _crosses(person, limits):
        text += " A JPEG or a smaller copy of this file could get another verdict."
    return text


def _those(seen_well: int, everybody: int) -> str:
    if seen_well == everybody:
        return f"{everybody} people"
    return f"the {seen_well} who are seen well, of {everybody} people" if seen_well > 1 else f"{everybody} people"


def _crosses(person: PersonResult, limits: Limits) -> bool:
    low, high = (person.score + shift for shift in person.benign_shift)
    return any(low < limit <= high for limit in {limits.real_below, limits.fake_from})
