"""The known causes, each a decorator of its detector; importing this knows them all."""

from parity.causes.known import batch as batch
from parity.causes.known import data as data
from parity.causes.known import dead_kernel as dead_kernel
from parity.causes.known import evaluation as evaluation
from parity.causes.known import labels as labels
from parity.causes.known import machine as machine
from parity.causes.known import norms as norms
from parity.causes.known import schedule as schedule
from parity.causes.known import symptoms as symptoms
from parity.causes.known import table as table
from parity.causes.known import weights as weights
