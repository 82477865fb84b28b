"""What runs on a GPU; skipped where there is none."""

import numpy as np
import pytest
import torch
from benchmarks.defocus import faces
from striped import CUT, NETWORK, RECIPE, corpus

from examples import make_contract
from fakefocus.imaging.gradient_ratio import blur_and_confidence
from fakefocus.inference import Scorer, stored_crops
from fakefocus.models.build import build_loss, build_network
from fakefocus.parameters import Training
from fakefocus.training import batched_maps
from fakefocus.training.engine import fit

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def test_maps_made_on_the_device_are_those_of_the_processor() -> None:
    crops = faces(4)
    batch = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).cuda()
    made = batched_maps.blur_and_confidence(batch, 5.0).cpu().numpy()
    expected = np.stack([np.stack(blur_and_confidence(crop, 5.0)) for crop in crops])
    assert np.abs(made - expected).max() < 1e-3


@pytest.mark.parametrize("compiled", [False, True])
def test_detector_is_trained_on_the_device_with_maps_made_there(compiled: bool) -> None:
    cut = CUT.model_dump() | {"crop": 80, "recompute_map": True}
    changes = {"augmentation": cut, "precision": "bf16-mixed", "compile": compiled, "epochs": 2}
    recipe = Training.model_validate(RECIPE.model_dump() | changes)
    network = {"in_chans": 5, "constraint": "A", "drop_rate": 0.0}
    loss = {"scl_weight": 0.1, "scl_form": "hinge", "margin": 0.5}
    fitted = fit(lambda: (build_network("scade_net", network), build_loss("scade_net", loss)), corpus(), recipe)
    assert fitted.history["train.loss"].notna().all()


def test_scores_of_the_device_are_those_of_the_processor() -> None:
    torch.manual_seed(0)
    weights = build_network("multistream", NETWORK).state_dict()
    seen = {"channels": ("red", "green", "blue"), "img_size": 64}
    contract = make_contract("multistream", NETWORK, training=RECIPE.model_dump(), input=seen)
    faces = corpus().on_side("test")
    crops = stored_crops(faces.table, faces.crops, None, 0)
    there, here = (Scorer(contract, weights, device)(crops) for device in ("cuda", "cpu"))
    assert np.abs(there - here).max() < 1e-5
