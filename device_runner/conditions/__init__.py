"""What disturbs a measurement on a phone: one object a condition, and a journal of what we set."""

from device_runner.conditions.base import Condition, Facts, Reading, Settable, Shell
from device_runner.conditions.held import CONDITIONS, Conditions

__all__ = ["CONDITIONS", "Condition", "Conditions", "Facts", "Reading", "Settable", "Shell"]
