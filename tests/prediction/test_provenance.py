"""What a C2PA manifest says is read and checked; that there is none says nothing."""

import datetime
import json
from pathlib import Path

import c2pa
import cv2
import pytest
import skimage.data
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fakefocus.prediction import Predictor, find_detector
from fakefocus.prediction.provenance import read_provenance

MANIFEST = {
    "claim_generator_info": [{"name": "camera of nobody", "version": "1"}],
    "title": "astronaut",
    "assertions": [
        {
            "label": "c2pa.actions",
            "data": {
                "actions": [
                    {
                        "action": "c2pa.created",
                        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
                    }
                ]
            },
        }
    ],
}


def _certified(
    name: str, key: ec.EllipticCurvePrivateKey, by: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None
) -> x509.Certificate:
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Nobody"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    issuer, signing = by or (subject, key)
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
    )
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    built = built.add_extension(
        x509.KeyUsage(digital_signature=by is not None, key_cert_sign=by is None, crl_sign=by is None, **usage),
        critical=True,
    )
    if by is not None:
        built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=True)
    return built.sign(signing, hashes.SHA256())


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a JPEG with a manifest that a certificate of our own signs."""
    folder = tmp_path_factory.mktemp("signed")
    plain, path = folder / "plain.jpg", folder / "signed.jpg"
    cv2.imwrite(str(plain), skimage.data.astronaut()[..., ::-1])
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certified("root", root_key, None)
    leaf = _certified("leaf", key, (root.subject, root_key))
    chain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (leaf, root))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain, private, None))
    with c2pa.Builder(json.dumps(MANIFEST)) as builder, plain.open("rb") as source, path.open("w+b") as target:
        builder.sign(signer, "image/jpeg", source, target)
    return path


def test_a_manifest_that_holds_is_read_and_its_signer_is_not_vouched_for(signed: Path) -> None:
    provenance = read_provenance(signed)
    assert (provenance.state, provenance.problems) == ("valid", ())
    assert provenance.generator.startswith("camera of nobody 1")
    assert provenance.signer == "Nobody"


def test_a_picture_that_was_changed_since_is_told(signed: Path, tmp_path: Path) -> None:
    content = bytearray(signed.read_bytes())
    content[-2000] ^= 1
    changed = tmp_path / "changed.jpg"
    changed.write_bytes(content)
    provenance = read_provenance(changed)
    assert provenance.state == "invalid"
    assert "assertion.dataHash.mismatch" in provenance.problems


def test_a_broken_manifest_is_told_and_costs_no_answer(signed: Path, tmp_path: Path) -> None:
    content = bytearray(signed.read_bytes())
    at = content.index(b"jumb")
    content[at + 40 : at + 400] = bytes(360)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(content)
    answer = Predictor(find_detector("scade_net"))(broken)
    assert answer.status == "scored"
    assert answer.provenance.state in ("unread", "invalid")
    assert answer.provenance.problems


def test_without_a_manifest_nothing_is_said(signed: Path) -> None:
    assert read_provenance(signed.with_name("plain.jpg")).state == "none"


def test_provenance_does_not_touch_the_score(signed: Path) -> None:
    predictor = Predictor(find_detector("scade_net"))
    assert predictor(signed).score == predictor(signed.with_name("plain.jpg")).score
