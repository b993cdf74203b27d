"""Anybody's code in the place of our own steps: load it, run it safely, hold it to ours."""

from parity.candidate.load import load_candidate as load_candidate
from parity.check.candidate import Candidate as Candidate
