"""Training runs, read from their files alone; nothing in them is executed."""

from parity.runs.facts import Config as Config
from parity.runs.facts import Fact as Fact
from parity.runs.facts import Source as Source
from parity.runs.facts import Unread as Unread
from parity.runs.read import find_runs as find_runs
from parity.runs.read import quote as quote
from parity.runs.read import read_run as read_run
from parity.runs.record import Run as Run
