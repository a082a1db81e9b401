"""Resources in, one snapshot and a verdict on every object out. Pure: equal input, in any order, gives equal output.

An object that is wrong gets a verdict and the rest still compiles. A reference that does not resolve is left out and
named in the verdict; a policy that has none left keeps its names, to answer 503 with the reason.
"""

from pointsman.core.compile.compiler import Compilation, compile_snapshot
from pointsman.core.compile.verdicts import Condition, Status, Verdict
from pointsman.core.installation import Claim, Installation

__all__ = ["Claim", "Compilation", "Condition", "Installation", "Status", "Verdict", "compile_snapshot"]
