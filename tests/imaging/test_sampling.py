from hypothesis import given
from hypothesis import strategies as st

from fakefocus.imaging.sampling import sample_frames

EVERY = {"method": "every", "every": 10, "frames": 32, "min_frames": 3, "max_frames": 100}
EVENLY = EVERY | {"method": "evenly", "frames": 8}


def test_every_tenth_frame() -> None:
    assert sample_frames(35, **EVERY) == [0, 10, 20, 30]


def test_more_than_the_maximum_are_thinned_over_the_whole_clip() -> None:
    # 10 sampled frames, 5 wanted: the middle one of each fifth
    assert sample_frames(100, **(EVERY | {"max_frames": 5})) == [10, 30, 50, 70, 90]


def test_short_clip_shortens_the_step() -> None:
    # 12 frames in 3 steps: every 4th
    assert sample_frames(12, **EVERY) == [0, 4, 8]


def test_eight_of_a_hundred_are_not_the_first_eight() -> None:
    # the middles of eight parts of 12.5 frames
    assert sample_frames(100, **EVENLY) == [6, 18, 31, 43, 56, 68, 81, 93]


def test_clip_with_fewer_frames_gives_each_once() -> None:
    assert sample_frames(5, **EVENLY) == [0, 1, 2, 3, 4]


def test_no_limit_takes_all() -> None:
    assert len(sample_frames(10_000, **(EVERY | {"max_frames": None}))) == 1000


@given(
    st.integers(0, 5000),
    st.sampled_from(["every", "evenly"]),
    *[st.integers(1, 300)] * 3,
    st.none() | st.integers(1, 300),
)
def test_numbers_rise_and_are_in_the_clip(
    count: int, method: str, every: int, frames: int, least: int, most: int | None
) -> None:
    chosen = sample_frames(count, method=method, every=every, frames=frames, min_frames=least, max_frames=most)
    assert chosen == sorted(set(chosen))
    assert all(0 <= i < count for i in chosen)
    assert bool(chosen) == bool(count)
    if method == "evenly":
        assert len(chosen) == min(frames, count)
    elif most is None:
        assert len(chosen) >= min(least, count)
    else:
        assert len(chosen) <= most
