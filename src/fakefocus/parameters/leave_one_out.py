"""Parameters of trainings that leave out one method of fakes each."""

from fakefocus.parameters.common import Group, Positive


class LeaveOneOut(Group):
    """Which methods of the training side are left out, one at a time.

    ``methods`` by name; None for all of them, at most ``most`` of those with the most training videos.
    """

    methods: tuple[str, ...] | None = None
    most: Positive
