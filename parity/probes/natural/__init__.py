"""Steps as their authors write them: any signature, run on the seeded inputs of the probes."""

from parity.probes.natural.images import MAPPINGS as MAPPINGS
from parity.probes.natural.images import as_pipeline as as_pipeline
from parity.probes.natural.images import takes_mapping as takes_mapping
from parity.probes.natural.operations import OPERATIONS as OPERATIONS
from parity.probes.natural.operations import Operation as Operation
from parity.probes.natural.operations import Runnable as Runnable
from parity.probes.natural.operations import by_name as by_name
from parity.probes.natural.operations import probe as probe
from parity.probes.natural.operations import step_of as step_of
from parity.probes.natural.recipe import is_torch_scheduler as is_torch_scheduler
from parity.probes.natural.signature import ITERATIONS as ITERATIONS
from parity.probes.natural.signature import MODELS as MODELS
from parity.probes.natural.signature import OPTIMIZERS as OPTIMIZERS
from parity.probes.natural.signature import RNG_NAMES as RNG_NAMES
from parity.probes.natural.signature import SPELLINGS as SPELLINGS
from parity.probes.natural.signature import Partly as Partly
from parity.probes.natural.signature import parameters_of as parameters_of
