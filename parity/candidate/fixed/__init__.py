"""One fixed recipe, a scheduler or an optimizer, beside the config that it is meant to follow."""

from parity.candidate.fixed.beside import check_fixed as check_fixed
