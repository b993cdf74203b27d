"""Exhibits: what a person looks at to see how a step differs. Analysis only; nothing is drawn."""

from parity.check.exhibit.build import exhibit as exhibit
from parity.check.exhibit.collect import CaseOutcome as CaseOutcome
from parity.check.exhibit.collect import Collector as Collector
from parity.check.exhibit.records import Exhibit as Exhibit
from parity.check.exhibit.records import Facts as Facts
from parity.check.exhibit.records import Picture as Picture
from parity.check.exhibit.records import View as View
