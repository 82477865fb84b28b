"""Reads what a file says of where it is from: a C2PA manifest (https://c2pa.org, 2021), by c2pa-python."""

import json
from pathlib import Path
from typing import Any

from fakefocus.prediction.result import Provenance

_STATES = {"Trusted": "trusted", "Valid": "valid", "Invalid": "invalid"}
_SETTINGS = json.dumps({"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}})
"""Nothing is fetched: a manifest that lies elsewhere is not looked for."""
_MARKS = (b"c2pa", b"jumb")
_MOST = 64 * 2**20
"""Bytes at both ends of a file in which a manifest is looked for before the library is loaded."""
_TRUST = "signingCredential.untrusted"


def read_provenance(path: Path) -> Provenance:
    """Return what the manifest in a file says, and whether it holds; nothing is fetched.

    That no list which c2pa-python was given vouches for a signer is not a problem of its own.
    """
    if not path.is_file() or not _may_hold_one(path):
        return Provenance(state="none")
    try:
        import c2pa
    except ModuleNotFoundError:
        return Provenance(state="unread", problems=("to read its manifest: pip install 'fakefocus[provenance]'",))
    try:
        with c2pa.Context(c2pa.Settings.from_json(_SETTINGS)) as context:
            reader = c2pa.Reader.try_create(str(path), None, None, context)
            if reader is None:
                return Provenance(state="none")
            with reader:
                return _described(json.loads(reader.json()))
    except c2pa.C2paError.NotSupported:
        # a kind of file that holds none
        return Provenance(state="none")
    except Exception as error:
        # whatever a manifest does, it costs no answer
        return Provenance(state="unread", problems=(f"{type(error).__name__}: {error}"[:300],))


def _may_hold_one(path: Path) -> bool:
    """Return whether the marks of a manifest are in a file: to load the library takes a tenth of a second."""
    size = path.stat().st_size
    with path.open("rb") as file:
        ends = file.read(_MOST)
        if size > _MOST:
            file.seek(max(size - _MOST, _MOST))
            ends += file.read(_MOST)
    return any(mark in ends for mark in _MARKS)


def _described(store: dict[str, Any]) -> Provenance:
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    signature = active.get("signature_info") or {}
    problems = [str(status.get("code")) for status in store.get("validation_status") or []]
    state = _STATES.get(str(store.get("validation_state")), "invalid" if problems else "valid")
    return Provenance(
        state=state,  # type: ignore[arg-type]
        signer=str(signature.get("issuer") or signature.get("common_name") or ""),
        time=str(signature.get("time") or ""),
        generator=_generator(active),
        problems=tuple(code for code in problems if code != _TRUST),
    )


def _generator(manifest: dict[str, Any]) -> str:
    info = manifest.get("claim_generator_info") or []
    names = [" ".join(filter(None, (one.get("name"), one.get("version")))) for one in info]
    return ", ".join(names) or str(manifest.get("claim_generator") or "")
