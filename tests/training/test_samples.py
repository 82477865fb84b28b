from types import SimpleNamespace

import numpy as np
import pytest
from benchmarks.defocus import faces

from fakefocus.imaging.gradient_ratio import gradient_ratio
from fakefocus.parameters import Defocus
from fakefocus.training.samples import choose_maps

CROP = faces(1)[0]
CROPS = {"real/a": SimpleNamespace(read={"frame_000000": CROP}.__getitem__)}
STORED = {"real/a": SimpleNamespace(read={"frame_000000": np.zeros((256, 256), np.float32)}.__getitem__)}


def _options(store: str) -> Defocus:
    return Defocus.model_validate({"method": "gradient_ratio", "sigma_max": 5.0, "store": store})


@pytest.mark.parametrize("store", ["float16", "png16", "float32"])
def test_stored_maps_are_read(store: str) -> None:
    assert not choose_maps(CROPS, STORED, _options(store))["real/a"].read("frame_000000").any()


def test_maps_that_are_not_stored_are_made_from_crops() -> None:
    made = choose_maps(CROPS, STORED, _options("none"))
    assert list(made) == ["real/a"]
    assert np.array_equal(made["real/a"].read("frame_000000"), gradient_ratio(CROP, 5.0))
