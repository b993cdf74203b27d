"""Configs in one set of terms, and what differs between two of them."""

from parity.settings.diff import SettingDifference as SettingDifference
from parity.settings.diff import differences as differences
from parity.settings.terms import Terms as Terms
from parity.settings.terms import terms_of as terms_of
