"""The frozen records that pass between stages."""

from .conditioning import ConditioningReport
from .cost import LINES, Assumption, CostEstimate, Decision, QueryCount, Rejection
from .counts import KERNELS, Work
from .estimate import Estimate, Standing
from .json import RecordError, from_json, from_plain, to_json, to_plain
from .profile import AccessProfile, Inertia, MatrixProfile
from .quantum import QuantumRun, QuantumStats, Reading
from .solution import Outcome, Solution, SolveStats
from .step import SCHEMA, StepRecord, SystemRecord

__all__ = [
    "KERNELS",
    "LINES",
    "SCHEMA",
    "AccessProfile",
    "Assumption",
    "ConditioningReport",
    "CostEstimate",
    "Decision",
    "Estimate",
    "Inertia",
    "MatrixProfile",
    "Outcome",
    "QuantumRun",
    "QuantumStats",
    "QueryCount",
    "Reading",
    "RecordError",
    "Rejection",
    "Solution",
    "SolveStats",
    "Standing",
    "StepRecord",
    "SystemRecord",
    "Work",
    "from_json",
    "from_plain",
    "to_json",
    "to_plain",
]
