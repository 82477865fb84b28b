"""What a clip is to others: the real one that a fake was made from."""

import pandas as pd

_CLIP = ["dataset", "compression", "source_video"]


def originals(videos: pd.DataFrame) -> pd.Series:
    """Return for each fake the real clip it was made from: ``video_id`` by ``video_id``, fakes without one left out.

    Both show the same source video of the same data set and compression; where several do, the same person's.
    """
    named = videos[videos["source_video"] != ""]
    columns = ["video_id", "target_identity", *_CLIP]
    fakes, reals = named.loc[named["label"] == 1, columns], named.loc[named["label"] == 0, columns]
    met = fakes.merge(reals, on=_CLIP, suffixes=("", "_real"))
    met["other"] = met["target_identity"] != met["target_identity_real"]
    first = met.sort_values(["video_id", "other", "video_id_real"]).drop_duplicates("video_id")
    return first.set_index("video_id")["video_id_real"]
