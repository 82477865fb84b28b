import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from benchmarks.defocus import faces

from fakefocus.imaging.alignment import template_for
from fakefocus.imaging.gradient_ratio import blur_and_confidence, gradient_ratio
from fakefocus.parameters import Augmentation, Defocus, PseudoFakes
from fakefocus.training.augmentation import Augment
from fakefocus.training.samples import FaceSamples, MapSource, assemble, blendable
from fakefocus.training.sampling import Draw

CROP = faces(1)[0]
CROPS = {"real/a": SimpleNamespace(read={"frame_000000": CROP}.__getitem__)}
STORED = {"real/a": SimpleNamespace(read={"frame_000000": np.full((256, 256), 0.25, np.float32)}.__getitem__)}
TABLE = pd.DataFrame(
    [("a", "real/a", "real/a/frame_000000", 0, 0, "ann", json.dumps(template_for(256, 0.3).tolist()))],
    columns=["video_id", "folder", "crop", "track", "label", "identity", "landmarks"],
)


def _source(store: str = "uint16", method: str = "gradient_ratio") -> MapSource:
    return MapSource(Defocus.model_validate({"method": method, "sigma_max": 5.0, "store": store}), STORED)


def _samples(
    channels: int = 0, *, random: bool = False, source: MapSource | None = None, **options: Any
) -> FaceSamples:
    still = {"flip": 0, "rotation": 0, "shift": 0, "zoom": 0, "brightness": 0.3, "contrast": 0, "hue": 0}
    cut = Augmentation.model_validate({"crop": 256, "damage": {"blur": 1, "blur_sigma": [2, 2]}} | still)
    return FaceSamples(TABLE, CROPS, source or _source(), Augment(cut, random=random), channels, **options)


@pytest.mark.parametrize("store", ["uint16", "png16", "float32"])
def test_stored_maps_are_read(store: str) -> None:
    batch = _samples(1, source=_source(store))[[Draw(0, 0)]]
    assert (batch.maps == 0.25).all()


def test_maps_that_are_not_stored_are_made_from_crops() -> None:
    batch = _samples(1, source=_source("none"))[[Draw(0, 0)]]
    assert np.array_equal(batch.maps[0, 0], gradient_ratio(CROP, 5.0))


def test_confidence_comes_as_a_second_map() -> None:
    batch = _samples(2)[[Draw(0, 0)]]
    blur, confidence = blur_and_confidence(CROP, 5.0)
    assert np.array_equal(batch.maps[0], np.stack([blur, confidence]))
    x = assemble(batch, 256)
    assert x.shape == (1, 5, 256, 256)
    assert np.array_equal(x[0, 4], confidence)


def test_confidence_of_a_method_that_knows_none_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"in_chans: a fifth channel needs defocus\.method gradient_ratio, got edge_var"
    ):
        _samples(2, source=_source(method="edge_variance"))


def test_remade_map_is_that_of_the_damaged_picture() -> None:
    batch = _samples(1, random=True, remake_maps="here")[[Draw(0, 7)]]
    pixels = np.ascontiguousarray(batch.images[0].permute(1, 2, 0))
    assert not np.array_equal(pixels, CROP)
    assert np.array_equal(batch.maps[0, 0], gradient_ratio(pixels, 5.0))
    # 2 pixels of blur were added to a sharp face: .4 of sigma_max
    assert 0.3 < batch.maps.median() < 0.5


def test_map_left_to_the_device_is_not_made() -> None:
    assert _samples(1, random=True, remake_maps="on_device")[[Draw(0, 7)]].maps is None


def test_draw_with_the_same_seed_gives_the_same_sample_and_leaves_the_generator_alone() -> None:
    samples = _samples(random=True)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    one, again, other = (samples[[Draw(0, seed)]].images for seed in (5, 5, 6))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_blended_draw_is_a_real_and_its_fake_changed_alike() -> None:
    samples = _samples(pseudo_fakes=PseudoFakes())
    batch = samples[[Draw(0, seed) for seed in range(6)]]
    assert batch.labels.tolist() == [0, 1] * 6
    assert batch.rows.tolist() == [0, 1] * 6
    assert samples.outcomes.to_dict("list") == {"video_id": ["a", "a blended"], "track": [0, 0], "label": [0, 1]}
    difference = (batch.images[0::2].float() - batch.images[1::2].float()).abs().mean((1, 2, 3))
    assert (difference > 0).all()
    # the corners are outside any face
    assert torch.equal(batch.images[0::2, :, :8, :8], batch.images[1::2, :, :8, :8])


def test_batch_of_blends_says_where_something_was_blended_in() -> None:
    batch = _samples(pseudo_fakes=PseudoFakes())[[Draw(0, seed) for seed in range(6)]]
    assert batch.masks is not None
    assert not batch.masks[0::2].any()
    changed = (batch.images[0::2].float() - batch.images[1::2].float()).abs().mean(1)
    for mask, difference in zip(batch.masks[1::2, 0], changed, strict=True):
        assert 0.02 < mask.mean() < 0.6
        assert 0 <= mask.min() <= mask.max() <= 1
        cells = difference.unfold(0, 16, 16).unfold(1, 16, 16).mean((2, 3))
        assert cells[mask == 1].mean() > 4 * cells[mask == 0].mean()


def test_batch_of_stored_samples_has_no_masks() -> None:
    assert _samples(1)[[Draw(0, 0)]].masks is None


def test_blend_without_landmarks_is_refused() -> None:
    table = TABLE.assign(landmarks="")
    with pytest.raises(ValueError, match=r"training\.fakes: self_blended needs landmarks, 1 of 1 faces have none"):
        FaceSamples(table, CROPS, _source(), Augment(_options(), random=False), 0, pseudo_fakes=PseudoFakes())


def _options() -> Augmentation:
    return Augmentation(crop=256, flip=0, rotation=0, shift=0, zoom=0, brightness=0, contrast=0, hue=0)


def test_batch_is_resized_to_what_the_network_takes() -> None:
    x = assemble(_samples(1)[[Draw(0, 0)]], 128)
    assert x.shape == (1, 4, 128, 128)
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert 0 <= x.min() <= x.max() <= 1


def test_face_that_cannot_be_blended_is_left_out_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    outside = json.dumps((template_for(256, 0.3) + 400).tolist())
    table = pd.concat([TABLE, TABLE.assign(landmarks=outside)], ignore_index=True)
    assert blendable(table, 256, 256)["landmarks"].tolist() == TABLE["landmarks"].tolist()
    assert "1 of 2 faces are left out, the first for: landmarks: must have at least 17 of 68 points" in caplog.text


def test_blend_that_would_leave_the_picture_is_made_where_the_face_is() -> None:
    corner = TABLE.assign(landmarks=json.dumps((template_for(256, 0.3) + 95).tolist()))
    shifted = _options().model_copy(update={"rotation": 170.0, "zoom": 0.5})
    samples = FaceSamples(corner, CROPS, _source(), Augment(shifted, random=True), 0, pseudo_fakes=PseudoFakes())
    assert len(samples[[Draw(0, seed) for seed in range(20)]].labels) == 40
