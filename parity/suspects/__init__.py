"""Known mistakes per step: code that reproduces what people get wrong."""

from parity.suspects.suspect import Suspect as Suspect
