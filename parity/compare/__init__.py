"""Compare what two implementations computed, exactly by default, and never pass on nothing."""

from parity.compare.compare import Comparison as Comparison
from parity.compare.compare import Verdict as Verdict
from parity.compare.compare import compare as compare
from parity.compare.compare import worst_verdict as worst_verdict
from parity.compare.tolerance import EXACT as EXACT
from parity.compare.tolerance import Tolerance as Tolerance
