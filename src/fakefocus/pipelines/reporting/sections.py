"""Which sections of protocols are about the split and the detectors that the report is about."""

import logging
from typing import Any

from fakefocus.models.fitting import training_of

_log = logging.getLogger(__name__)


def current_sections(
    sections: dict[str, dict[str, Any]], splits_json: dict[str, Any], summaries: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the sections that are about this split and detectors as they are judged now, with their ``protocol``.

    The log says which are not: of another split, or of a detector that was trained and judged again since.

    Args:
        sections: Sections (`fakefocus.schemas.SECTION_KEYS`) by protocol.
        splits_json: The split.
        summaries: Summaries of its detectors by folder.
    """
    others = [name for name, section in sections.items() if section["split_hash"] != splits_json["hash"]]
    if others:
        _log.warning("left out, made on another split: %s; run these protocols again", ", ".join(others))
    present: dict[str, str] = {}
    for place, summary in summaries.items():
        present |= training_of(summary["contract"], place, summary["experiment"])
    shown = []
    for name in (name for name in sections if name not in others):
        again = _trained_again(sections[name], present)
        if again:
            _log.warning("left out, made before %s was trained again: %s; run it again", " and ".join(again), name)
        else:
            shown.append(sections[name] | {"protocol": name})
    return shown


def _trained_again(section: dict[str, Any], present: dict[str, str]) -> list[str]:
    """Return the detectors of a section that were judged after another training."""
    trainings = section.get("trainings", {})
    return [name for name, digest in trainings.items() if present.get(name, digest) != digest]
