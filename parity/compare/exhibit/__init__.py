"""Exhibits: what a person looks at to see how a step differs. Analysis only; nothing is drawn."""

from parity.compare.exhibit.build import exhibit as exhibit
from parity.compare.exhibit.collect import Collector as Collector
from parity.compare.exhibit.collect import Outcome as Outcome
from parity.compare.exhibit.records import Exhibit as Exhibit
from parity.compare.exhibit.records import Facts as Facts
from parity.compare.exhibit.records import Picture as Picture
from parity.compare.exhibit.records import View as View
