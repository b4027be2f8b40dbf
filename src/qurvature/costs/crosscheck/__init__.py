"""The same counts in other tools: the extra ``crosscheck``, imported only when it is used.

`against_qdk` hands a price to the resource estimator of QDK, `against_pennylane` the parts of a
look-up to that of PennyLane. Both return one `Comparison` a line: ours, theirs, how far apart the two
may be, and why they are not the same.
"""

from .comparison import Comparison, NotComparableError
from .pennylane import against_pennylane
from .qdk import against_qdk

__all__ = ["Comparison", "NotComparableError", "against_pennylane", "against_qdk"]
