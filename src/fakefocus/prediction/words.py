"""Puts an answer in words that say no more than the score can carry."""

from collections.abc import Sequence

from fakefocus.prediction.notes import deciding
from fakefocus.prediction.result import Limits, Media, PersonResult, Provenance

_MEANS = {
    "fake": "Looks manipulated: this score is as high as few unaltered clips reached when the limits were chosen.",
    "uncertain": "No verdict: both real and manipulated clips have such scores.",
    "real": "No sign of the manipulations that this detector knows. Others would leave no trace that it sees.",
}
_BY_THRESHOLD = {
    "fake": "Scored at or above the threshold. No error rate is promised for it.",
    "real": "Scored below the threshold. No error rate is promised for it.",
}


def in_words(person: PersonResult, limits: Limits, people: Sequence[PersonResult], media: Media) -> str:
    """Return some sentences about the person by whom a file is judged.

    Args:
        person: The one.
        limits: By which they were called what they are called.
        people: All who are seen.
        media: The file.
    """
    means = _MEANS if limits.promised else _BY_THRESHOLD
    sentences = [means.get(person.verdict, _MEANS["uncertain"])]
    if limits.promised and media.kind != "video":
        sentences.append("The limits were chosen on clips; no error rate is promised for a picture.")
    if len(people) > 1:
        sentences += _of_several(person, people)
    if person.warnings:
        sentences.append(f"Less certain than usual here: {'; '.join(warned.text for warned in person.warnings)}.")
    if _crosses(person, limits):
        sentences.append("Compressed or made smaller, the same face would get another verdict.")
    return " ".join(sentences)


def provenance_in_words(note: Provenance) -> str:
    """Return what a file says of where it is from."""
    if note.state == "none":
        return "no C2PA manifest, which says nothing"
    who = ", ".join(filter(None, (note.generator, note.signer and f"signed by {note.signer}", note.time)))
    problems = f": {'; '.join(note.problems)}" if note.problems else ""
    return f"C2PA manifest, {note.state}{problems}{f' ({who})' if who else ''}"


def _of_several(person: PersonResult, people: Sequence[PersonResult]) -> list[str]:
    seen_well = deciding(people)
    if len(seen_well) == 1:
        who = f"the only one of {len(people)} people who is seen well"
    elif len(seen_well) == len(people):
        who = f"who looks most manipulated of {len(people)} people"
    else:
        who = f"who looks most manipulated of the {len(seen_well)} who are seen well, of {len(people)} people"
    sentences = [f"The score is that of person {person.person}, {who}."]
    if len(seen_well) > 1 and person.verdict == "fake":
        sentences.append("Of several people one is called fake by mistake more often than a single one.")
    higher = [one for one in people if one not in seen_well and one.verdict == "fake" and person.verdict != "fake"]
    if higher:
        worst = max(higher, key=lambda one: one.score)
        sentences.append(f"Person {worst.person}, who is hardly seen, scores {worst.score:.2f}: look at them yourself.")
    return sentences


def _crosses(person: PersonResult, limits: Limits) -> bool:
    low, high = (person.score + shift for shift in person.benign_shift)
    return any(low < limit <= high for limit in {limits.real_below, limits.fake_from})
