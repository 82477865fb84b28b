"""The smallest recipe that holds for every family."""

from examples import TRAINING

SHARED = {"every_family": {"training": TRAINING}}
