"""What happens around nodes: a module a subject."""

from fakefocus.hooks.covered import EnoughCovered
from fakefocus.hooks.launched import OneWriter
from fakefocus.hooks.parameters import CheckParameters
from fakefocus.hooks.parent_run import ParentRun
from fakefocus.hooks.plain_errors import PlainErrors
from fakefocus.hooks.tracking import FamilyRuns

__all__ = ["CheckParameters", "EnoughCovered", "FamilyRuns", "OneWriter", "ParentRun", "PlainErrors"]
