import pandas as pd
import pytest

from fakefocus.errors import InputError
from fakefocus.parameters import Defocus, Evaluation
from fakefocus.pipelines.evaluation.nodes import score_faces

LEARNED = Defocus(method="gradient_ratio", sigma_max=5.0, store="float16")
EVALUATION = Evaluation(threshold=0.5, batch_size=4, draws=100, confidence=0.95, seed=3)


@pytest.mark.parametrize("change", [{"method": "edge_variance"}, {"sigma_max": 3.0}])
def test_detector_is_not_shown_maps_of_another_kind(change: dict) -> None:
    architecture = {"family": "scade_net", "network": {"in_chans": 4}, "defocus": LEARNED.model_dump(exclude={"store"})}
    samples = pd.DataFrame({"split": ["test"]})
    given = LEARNED.model_copy(update=change)
    with pytest.raises(InputError, match=r"defocus: scade_net was trained on maps of .*gradient_ratio"):
        score_faces({"architecture": architecture, "weights": {}}, samples, {}, {}, given, EVALUATION)
