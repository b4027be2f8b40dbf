"""Which offer to take, and how accurate a solution to ask for.

Examples:
    >>> from qurvature.schedule import accuracy, policy
    >>> policy("always:cholesky").name
    'always:cholesky'
    >>> accuracy("fixed:1e-3").epsilon(gradient_norm=1.0, previous=None)
    0.001
"""

from .accuracy import Accuracy, Fixed, Forcing, Previous, accuracy
from .policy import NoOfferError, Policy, policy

__all__ = [
    "Accuracy",
    "Fixed",
    "Forcing",
    "NoOfferError",
    "Policy",
    "Previous",
    "accuracy",
    "policy",
]
